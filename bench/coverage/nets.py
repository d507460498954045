"""The networks of the coverage table: how each is built, what it reads, and which modules a pruner must leave alone.

Nothing is downloaded. Weights are seeded and heavy-tailed: with equal scales every ranking is a tie of noise, and an untrained BatchNorm
(gamma 1, mean 0, variance 1) folds into a rescale, which proves nothing.
"""

import fnmatch
import math

import torch
from torch import nn


class Outputs(nn.Module):
    """What a detector's network gives before boxes are decoded, which no pruner can trace."""

    def __init__(self, body, head=None):
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x):
        features = list(self.body(x).values())
        return tuple(features) if self.head is None else tuple(self.head(features).values())


class Segmentation(nn.Module):
    """The one output of a segmentation network, without its dictionary."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)["out"]


class Unet(nn.Module):
    """U-Net with two steps down: skip connections into concatenations, transposed convolutions up."""

    def __init__(self, width=32):
        super().__init__()

        def block(inputs, outputs):
            half = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            return nn.Sequential(*half, nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())

        self.down1, self.down2, self.middle = block(3, width), block(width, 2 * width), block(2 * width, 4 * width)
        self.pool = nn.MaxPool2d(2)
        self.up2, self.up1 = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2), nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.left2, self.left1 = block(4 * width, 2 * width), block(2 * width, width)
        self.head = nn.Conv2d(width, 4, 1)

    def forward(self, x):
        first = self.down1(x)
        second = self.down2(self.pool(first))
        x = self.up2(self.middle(self.pool(second)))
        x = self.left2(torch.cat([second, x], 1))
        return self.head(self.left1(torch.cat([first, self.up1(x)], 1)))


class Crnn(nn.Module):
    """Convolutions, whose columns are a sequence that a recurrent layer reads: how text in pictures is read."""

    def __init__(self, cell=nn.LSTM):
        super().__init__()

        def block(inputs, outputs, pool):
            return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(pool))

        self.features = nn.Sequential(block(1, 64, 2), block(64, 128, 2), block(128, 256, (2, 1)), block(256, 256, (4, 1)))
        self.rnn = cell(256, 128, bidirectional=True, batch_first=True)
        self.head = nn.Linear(256, 37)

    def forward(self, x):
        return self.head(self.rnn(self.features(x).squeeze(2).transpose(1, 2))[0])


def torchvision_net(name, **arguments):
    def build():
        import torchvision

        return torchvision.models.get_model(name, weights=None, **{"num_classes": 10, **arguments})

    return build


def timm_net(name, **arguments):
    def build():
        import timm

        return timm.create_model(name, pretrained=False, **{"num_classes": 10, **arguments})

    return build


def segmentation_net(name):
    return lambda: Segmentation(torchvision_net(name, weights_backbone=None)())


def ssdlite():
    import torchvision

    net = torchvision.models.detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=10)
    return Outputs(net.backbone, net.head)


def fasterrcnn():
    import torchvision

    return Outputs(torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=10).backbone)


class Undivided(nn.Module):
    """YOLO's C2f with two convolutions in place of one that is split: Torch-Pruning does not trace the split (its example for YOLOv8)."""

    def __init__(self, old):
        super().__init__()
        conv = old.cv1.conv
        self.cv0, self.cv1 = (type(old.cv1)(conv.in_channels, old.c) for _ in range(2))
        self.cv2, self.m = old.cv2, old.m
        for name in ("f", "i", "type"):
            if hasattr(old, name):
                setattr(self, name, getattr(old, name))

    def forward(self, x):
        parts = [self.cv0(x), self.cv1(x)]
        parts.extend(one(parts[-1]) for one in self.m)
        return self.cv2(torch.cat(parts, 1))


def yolo(name):
    def build():
        from ultralytics.nn.modules import C2f
        from ultralytics.nn.tasks import DetectionModel

        net = DetectionModel(f"{name}.yaml", nc=10, verbose=False).eval()
        for parent in list(net.modules()):
            for key, child in list(parent.named_children()):
                if isinstance(child, C2f):
                    setattr(parent, key, Undivided(child))
        head = net.model[-1]
        # What the head computes before boxes are decoded.
        head.export, head.format, head.end2end = True, "onnx", False
        return net

    return build


#: name: (how it is built, shape of its input, modules that stay as they are)
NETS = {
    "resnet18": (torchvision_net("resnet18"), (1, 3, 64, 64), ["fc"]),
    "resnet50": (torchvision_net("resnet50"), (1, 3, 64, 64), ["fc"]),
    "resnext50": (torchvision_net("resnext50_32x4d"), (1, 3, 64, 64), ["fc"]),
    "mobilenet_v1": (timm_net("mobilenetv1_100"), (1, 3, 64, 64), ["classifier"]),
    "mobilenet_v2": (torchvision_net("mobilenet_v2"), (1, 3, 64, 64), ["classifier*"]),
    "mobilenet_v3": (torchvision_net("mobilenet_v3_large"), (1, 3, 64, 64), ["classifier.3"]),
    "mobilenet_v4": (timm_net("mobilenetv4_conv_small"), (1, 3, 64, 64), ["classifier"]),
    "efficientnet_b0": (torchvision_net("efficientnet_b0"), (1, 3, 64, 64), ["classifier*"]),
    "efficientnet_v2": (torchvision_net("efficientnet_v2_s"), (1, 3, 64, 64), ["classifier*"]),
    "densenet121": (torchvision_net("densenet121"), (1, 3, 64, 64), ["classifier"]),
    "googlenet": (torchvision_net("googlenet", aux_logits=False, init_weights=False), (1, 3, 64, 64), ["fc"]),
    "inception_v3": (torchvision_net("inception_v3", aux_logits=False, init_weights=False), (1, 3, 96, 96), ["fc"]),
    "regnet_x": (torchvision_net("regnet_x_400mf"), (1, 3, 64, 64), ["fc"]),
    "regnet_y": (torchvision_net("regnet_y_400mf"), (1, 3, 64, 64), ["fc"]),
    "mnasnet": (torchvision_net("mnasnet1_0"), (1, 3, 64, 64), ["classifier*"]),
    "shufflenet_v2": (torchvision_net("shufflenet_v2_x1_0"), (1, 3, 64, 64), ["fc"]),
    "squeezenet": (torchvision_net("squeezenet1_1"), (1, 3, 64, 64), ["classifier.1"]),
    "alexnet": (torchvision_net("alexnet"), (1, 3, 224, 224), ["classifier.6"]),
    "vgg11_bn": (torchvision_net("vgg11_bn"), (1, 3, 224, 224), ["classifier.6"]),
    "convnext_tiny": (torchvision_net("convnext_tiny"), (1, 3, 64, 64), ["classifier.2"]),
    "ghostnet": (timm_net("ghostnet_100"), (1, 3, 64, 64), ["classifier"]),
    "repvgg_a0": (timm_net("repvgg_a0"), (1, 3, 64, 64), ["head.fc"]),
    "hrnet_w18": (timm_net("hrnet_w18_small"), (1, 3, 64, 64), ["classifier"]),
    "dla34": (timm_net("dla34"), (1, 3, 64, 64), ["fc"]),
    "mobileone_s0": (timm_net("mobileone_s0"), (1, 3, 64, 64), ["head.fc"]),
    "xception": (timm_net("legacy_xception"), (1, 3, 96, 96), ["fc"]),
    "deeplabv3": (segmentation_net("deeplabv3_mobilenet_v3_large"), (1, 3, 64, 64), ["net.classifier.4"]),
    "lraspp": (segmentation_net("lraspp_mobilenet_v3_large"), (1, 3, 64, 64), ["net.classifier.*_classifier"]),
    "unet": (Unet, (1, 3, 64, 64), ["head"]),
    "ssdlite": (ssdlite, (1, 3, 128, 128), ["head*"]),
    "fasterrcnn": (fasterrcnn, (1, 3, 64, 64), ["body.fpn*"]),
    "yolov5n": (yolo("yolov5n"), (1, 3, 64, 64), ["model.24*"]),
    "yolov8n": (yolo("yolov8n"), (1, 3, 64, 64), ["model.22*"]),
    "yolo11n": (yolo("yolo11n"), (1, 3, 64, 64), ["model.10*", "model.23*"]),
    "vit_b_16": (torchvision_net("vit_b_16", image_size=64), (1, 3, 64, 64), ["conv_proj", "*.mlp.3", "*.self_attention", "heads*"]),
    "swin_t": (torchvision_net("swin_t"), (1, 3, 64, 64), ["features.0*", "*.attn*", "*.mlp.3", "*.reduction", "head"]),
    "deit_tiny": (timm_net("deit_tiny_patch16_224", img_size=64), (1, 3, 64, 64), ["patch_embed*", "*.attn*", "*.mlp.fc2", "head"]),
    "crnn_lstm": (Crnn, (1, 1, 32, 64), ["rnn", "head"]),
    "crnn_gru": (lambda: Crnn(nn.GRU), (1, 1, 32, 64), ["rnn", "head"]),
}


def ignored_modules(net, patterns):
    """Names of the modules that the patterns mean, but none inside another that is meant already."""
    names = [name for name, _ in net.named_modules() if name and any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]


def with_weights(net, shape, seed=0):
    """Gives every parameter and statistic a value that a trained network could have."""
    drawn = torch.Generator().manual_seed(seed)

    def normal(like, scale=1.0):
        return torch.randn(like.shape, generator=drawn) * scale

    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(normal(parameter, 0.1))
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                fan = max(1, module.weight[0].numel())
                weight = normal(module.weight, 1.4 / math.sqrt(fan))
                scale = torch.exp(0.5 * torch.randn(len(weight), generator=drawn))
                module.weight.copy_(weight * scale.reshape(-1, *[1] * (weight.dim() - 1)))
            elif hasattr(module, "running_var") and module.weight is not None:
                module.weight.copy_(torch.exp(normal(module.weight, 0.4)))
                module.momentum = None
            elif isinstance(module, (nn.LayerNorm, nn.GroupNorm)) and module.weight is not None:
                module.weight.copy_(torch.exp(normal(module.weight, 0.3)))
        # Statistics are those of real activations, then moved: otherwise a deep network overflows or dies away.
        net.train()
        for module in net.modules():
            if isinstance(module, nn.Dropout) or type(module).__name__ in ("DropPath", "StochasticDepth"):
                module.eval()
        net(torch.randn(4, *shape[1:], generator=drawn))
        for module in net.modules():
            if hasattr(module, "running_var") and module.running_var is not None:
                module.running_mean.add_(normal(module.running_mean, 0.1) * module.running_var.sqrt())
                module.running_var.mul_(torch.exp(normal(module.running_var, 0.3))).add_(1e-3)
    return net.eval()
