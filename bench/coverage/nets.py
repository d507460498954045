"""The networks of the coverage table: how each is built, what it reads, and which modules a pruner must leave alone.

Nothing is downloaded. Weights are seeded and heavy-tailed: with equal scales every ranking is a tie of noise, and an untrained BatchNorm
(gamma 1, mean 0, variance 1) folds into a rescale, which proves nothing.
"""

import dataclasses
import fnmatch
import math
import operator
from collections.abc import Callable, Mapping

import torch
import torch_pruning as tp
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

    def __init__(self, cell=nn.LSTM, width=64):
        super().__init__()

        def block(inputs, outputs, pool):
            return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(pool))

        widths = (width, 2 * width, 4 * width, 4 * width)
        self.features = nn.Sequential(*(block(i, o, pool) for i, o, pool in zip((1, *widths), widths, (2, 2, (2, 1), (4, 1)))))
        self.rnn = cell(4 * width, 2 * width, bidirectional=True, batch_first=True)
        self.head = nn.Linear(4 * width, 37)

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


class OneStep(torch.autograd.Function):
    """What a module computes, as one step of the trace of gradients that Torch-Pruning reads. Exporters, without gradients, see all of it."""

    @staticmethod
    def forward(context, x, compute):
        return compute(x)

    @staticmethod
    def backward(context, gradient):
        return None, None

    @classmethod
    def of(cls, x, compute):
        return cls.apply(x, compute) if torch.is_grad_enabled() else compute(x)


class Whole(nn.Module):
    """Some step between channels that stay as they are. Torch-Pruning traces neither the halves nor the shuffle of ShuffleNet."""

    def __init__(self, channels, compute):
        super().__init__()
        self.channels, self.compute = channels, compute

    def forward(self, x):
        return OneStep.of(x, self.compute)


def shuffled(x):
    batch, channels, height, width = x.shape
    return x.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)


class ShuffledBlock(nn.Module):
    """A block of torchvision's ShuffleNetV2 with its shuffle as a module."""

    def __init__(self, old):
        super().__init__()
        self.stride, self.branch1, self.branch2 = old.stride, old.branch1, old.branch2
        channels = 2 * old.branch2[-3].out_channels
        self.left, self.right = (Whole(channels // 2, operator.methodcaller("narrow", 1, start, channels // 2)) for start in (0, channels // 2))
        self.shuffle = Whole(channels, shuffled)

    def halves(self, x):
        if self.stride > 1:
            return self.branch1(x), x
        return (self.left(x), self.right(x)) if torch.is_grad_enabled() else x.chunk(2, dim=1)

    def forward(self, x):
        left, right = self.halves(x)
        return self.shuffle(torch.cat([left, self.branch2(right)], 1))


def shufflenet():
    net = torchvision_net("shufflenet_v2_x1_0")()
    for stage in (net.stage2, net.stage3, net.stage4):
        for k, block in enumerate(stage):
            stage[k] = ShuffledBlock(block)
    return net


class Gru(nn.GRU):
    def forward(self, x):
        return (OneStep.of(x, lambda x: super(Gru, self).forward(x)[0]),)


class GruPruner(tp.function.LSTMPruner):
    """What a GRU reads is cut as what an LSTM reads; Torch-Pruning knows the latter alone."""

    TARGET_MODULES = nn.GRU


class WholePruner(tp.function.BasePruningFunc):
    def prune_out_channels(self, layer, idxs):
        raise RuntimeError("what is whole was pruned")

    prune_in_channels = prune_out_channels

    def get_out_channels(self, layer):
        return layer.channels

    get_in_channels = get_out_channels


def settled(net, num_heads):
    """What timm's attentions remember of their widths; the scale of a head stays what it was trained with."""
    for module in net.modules():
        if hasattr(module, "qkv") and hasattr(module, "num_heads"):
            module.num_heads = num_heads[module.qkv]
            module.attn_dim = module.qkv.out_features // 3
            module.head_dim = module.attn_dim // module.num_heads


def attention_net(name, **arguments):
    """A transformer of timm whose attention is written out: Torch-Pruning does not trace the fused one."""

    def build():
        net = timm_net(name, **arguments)()
        for module in net.modules():
            if hasattr(module, "fused_attn"):
                module.fused_attn = False
        return net

    return build


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def shared(x, count):
    """Each head as often as queries read it, written as Hugging Face's transformers do: so Torch-Pruning knows it."""
    batch, heads, tokens, size = x.shape
    return x[:, :, None].expand(batch, heads, count, tokens, size).reshape(batch, heads * count, tokens, size)


class GroupedQueries(nn.Module):
    """Attention of a language model: rotary positions, and keys and values that several heads share."""

    def __init__(self, width, heads, shared, tokens):
        super().__init__()
        self.size = width // heads
        self.q, self.k, self.v = (nn.Linear(width, n * self.size, bias=False) for n in (heads, shared, shared))
        self.o = nn.Linear(width, width, bias=False)
        angles = torch.arange(tokens)[:, None] * 10000.0 ** (-torch.arange(0, self.size, 2) / self.size)
        for name, values in (("cos", angles.cos()), ("sin", angles.sin())):
            self.register_buffer(name, torch.cat([values, values], -1))

    def turned(self, x):
        left, right = x[..., : self.size // 2], x[..., self.size // 2 :]
        return x * self.cos + torch.cat([-right, left], -1) * self.sin

    def forward(self, x):
        batch, tokens, _ = x.shape
        q = self.turned(self.q(x).view(batch, tokens, -1, self.size).transpose(1, 2))
        k = self.turned(self.k(x).view(batch, tokens, -1, self.size).transpose(1, 2))
        v = self.v(x).view(batch, tokens, -1, self.size).transpose(1, 2)
        k, v = (shared(one, q.shape[1] // one.shape[1]) for one in (k, v))
        read = ((q @ k.transpose(-2, -1)) * self.size**-0.5).softmax(-1) @ v
        return self.o(read.transpose(1, 2).reshape(batch, tokens, -1))


class LanguageBlock(nn.Module):
    def __init__(self, width, heads, shared, tokens):
        super().__init__()
        self.norm1, self.attn, self.norm2 = RmsNorm(width), GroupedQueries(width, heads, shared, tokens), RmsNorm(width)
        self.gate, self.up, self.down = (nn.Linear(i, o, bias=False) for i, o in ((width, 3 * width), (width, 3 * width), (3 * width, width)))
        self.act = nn.SiLU()

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        y = self.norm2(x)
        return x + self.down(self.act(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    """Two blocks of a language model, small. It reads what the embedding gives."""

    def __init__(self, width=256, heads=8, shared=2, tokens=16):
        super().__init__()
        self.embed = nn.Linear(64, width, bias=False)
        self.blocks = nn.Sequential(*[LanguageBlock(width, heads, shared, tokens) for _ in range(2)])
        self.norm, self.head = RmsNorm(width), nn.Linear(width, 100, bias=False)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.embed(x))))


@dataclasses.dataclass(frozen=True)
class Net:
    """How a network is built, the shape of its input, and what a pruner is told of it."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    #: Patterns of the modules that stay as they are.
    ignored: list[str]
    #: More of Torch-Pruning's arguments. Patterns of num_heads mean modules.
    prune: Mapping[str, object] = dataclasses.field(default_factory=dict)
    #: How Torch-Pruning cuts modules that it does not know.
    pruners: Mapping[type, object] = dataclasses.field(default_factory=dict)
    #: What is done behind the cut, with the heads that are left.
    settle: Callable[[nn.Module, Mapping[nn.Module, int]], None] = lambda net, num_heads: None
    #: Which rules prune it.
    rules: tuple[str, ...] = ("torch-pruning", "declared")

    @property
    def has_heads(self):
        return "num_heads" in self.prune


WHOLE_HEADS = {"prune_num_heads": True, "prune_head_dims": False, "head_pruning_ratio": 0.5}
IN_HEADS = {"prune_num_heads": False, "prune_head_dims": True}


def attention(name, width, count, how, size=64):
    """A transformer of timm whose attention is pruned, with the width of its tokens left as it is."""
    net = attention_net(name, img_size=size)
    return Net(net, (1, 3, size, size), width, {"num_heads": {"*.attn.qkv": count}, **how}, settle=settled, rules=("torch-pruning",))


VIT_WIDTH = ["patch_embed*", "*.mlp.fc2", "*.attn.proj", "head"]
#: What is whole in a file too: the convolutions that make the channels that are shuffled.
SHUFFLED = ["*.left", "*.right", "*.shuffle", "stage?.0.branch1.2", "stage?.?.branch2.5", "fc"]
SWIN_WIDTH = ["patch_embed*", "*.attn.proj", "*.mlp.fc2", "*.downsample*", "head*", "*_bias_table"]

NETS = {
    "resnet18": Net(torchvision_net("resnet18"), (1, 3, 64, 64), ["fc"]),
    "resnet50": Net(torchvision_net("resnet50"), (1, 3, 64, 64), ["fc"]),
    "resnext50": Net(torchvision_net("resnext50_32x4d"), (1, 3, 64, 64), ["fc"]),
    "mobilenet_v1": Net(timm_net("mobilenetv1_100"), (1, 3, 64, 64), ["classifier"]),
    "mobilenet_v2": Net(torchvision_net("mobilenet_v2"), (1, 3, 64, 64), ["classifier*"]),
    "mobilenet_v3": Net(torchvision_net("mobilenet_v3_large"), (1, 3, 64, 64), ["classifier.3"]),
    "mobilenet_v4": Net(timm_net("mobilenetv4_conv_small"), (1, 3, 64, 64), ["classifier"]),
    "efficientnet_b0": Net(torchvision_net("efficientnet_b0"), (1, 3, 64, 64), ["classifier*"]),
    "efficientnet_v2": Net(torchvision_net("efficientnet_v2_s"), (1, 3, 64, 64), ["classifier*"]),
    "densenet121": Net(torchvision_net("densenet121"), (1, 3, 64, 64), ["classifier"]),
    "googlenet": Net(torchvision_net("googlenet", aux_logits=False, init_weights=False), (1, 3, 64, 64), ["fc"]),
    "inception_v3": Net(torchvision_net("inception_v3", aux_logits=False, init_weights=False), (1, 3, 96, 96), ["fc"]),
    "regnet_x": Net(torchvision_net("regnet_x_400mf"), (1, 3, 64, 64), ["fc"]),
    "regnet_y": Net(torchvision_net("regnet_y_400mf"), (1, 3, 64, 64), ["fc"]),
    "mnasnet": Net(torchvision_net("mnasnet1_0"), (1, 3, 64, 64), ["classifier*"]),
    "shufflenet_v2": Net(shufflenet, (1, 3, 64, 64), SHUFFLED, pruners={Whole: WholePruner()}),
    "squeezenet": Net(torchvision_net("squeezenet1_1"), (1, 3, 64, 64), ["classifier.1"]),
    "alexnet": Net(torchvision_net("alexnet"), (1, 3, 224, 224), ["classifier.6"]),
    "vgg11_bn": Net(torchvision_net("vgg11_bn"), (1, 3, 224, 224), ["classifier.6"]),
    "convnext_tiny": Net(torchvision_net("convnext_tiny"), (1, 3, 64, 64), ["classifier.2"]),
    "ghostnet": Net(timm_net("ghostnet_100"), (1, 3, 64, 64), ["classifier"]),
    "repvgg_a0": Net(timm_net("repvgg_a0"), (1, 3, 64, 64), ["head.fc"]),
    "hrnet_w18": Net(timm_net("hrnet_w18_small"), (1, 3, 64, 64), ["classifier"]),
    "dla34": Net(timm_net("dla34"), (1, 3, 64, 64), ["fc"]),
    "mobileone_s0": Net(timm_net("mobileone_s0"), (1, 3, 64, 64), ["head.fc"]),
    "xception": Net(timm_net("legacy_xception"), (1, 3, 96, 96), ["fc"]),
    "deeplabv3": Net(segmentation_net("deeplabv3_mobilenet_v3_large"), (1, 3, 64, 64), ["net.classifier.4"]),
    "lraspp": Net(segmentation_net("lraspp_mobilenet_v3_large"), (1, 3, 64, 64), ["net.classifier.*_classifier"]),
    "unet": Net(Unet, (1, 3, 64, 64), ["head"]),
    "ssdlite": Net(ssdlite, (1, 3, 128, 128), ["head*"]),
    "fasterrcnn": Net(fasterrcnn, (1, 3, 64, 64), ["body.fpn*"]),
    "yolov5n": Net(yolo("yolov5n"), (1, 3, 64, 64), ["model.24*"]),
    "yolov8n": Net(yolo("yolov8n"), (1, 3, 64, 64), ["model.22*"]),
    "yolo11n": Net(yolo("yolo11n"), (1, 3, 64, 64), ["model.10*", "model.23*"]),
    "vit_b_16": Net(torchvision_net("vit_b_16", image_size=64), (1, 3, 64, 64), ["conv_proj", "*.mlp.3", "*.self_attention", "heads*"]),
    "swin_t": Net(torchvision_net("swin_t"), (1, 3, 64, 64), ["features.0*", "*.attn*", "*.mlp.3", "*.reduction", "head"]),
    "deit_tiny": Net(timm_net("deit_tiny_patch16_224", img_size=64), (1, 3, 64, 64), ["patch_embed*", "*.attn*", "*.mlp.fc2", "head"]),
    "vit_b_16_heads": attention("vit_base_patch16_224", VIT_WIDTH, 12, WHOLE_HEADS),
    "vit_b_16_dims": attention("vit_base_patch16_224", VIT_WIDTH, 12, IN_HEADS),
    "deit_small_heads": attention("deit_small_patch16_224", VIT_WIDTH, 6, WHOLE_HEADS),
    "swin_t_dims": attention("swin_tiny_patch4_window7_224", SWIN_WIDTH, None, IN_HEADS, 224),
    "llama_blocks": Net(Llama, (1, 16, 64), ["head"], {"num_heads": {"*.attn.q": 8, "*.attn.[kv]": 2}, **WHOLE_HEADS}),
    "crnn_lstm": Net(Crnn, (1, 1, 32, 64), ["rnn", "head"]),
    "crnn_gru": Net(lambda: Crnn(Gru), (1, 1, 32, 64), ["rnn", "head"], pruners={Gru: GruPruner()}),
}

#: Small ones, of PyTorch alone: the tests make these.
SMALL = {
    "small-unet": Net(lambda: Unet(8), (1, 3, 16, 16), ["head"]),
    "small-crnn": Net(lambda: Crnn(width=8), (1, 1, 32, 16), ["rnn", "head"]),
    "small-llama": dataclasses.replace(NETS["llama_blocks"], build=lambda: Llama(width=64, tokens=8), shape=(1, 8, 64)),
}


def ignored_modules(net, patterns):
    """Names of the modules that the patterns mean, but none inside another that is meant already."""
    names = [name for name, _ in net.named_modules() if name and any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    # A bare parameter can be left out too.
    names += [name for name, _ in net.named_parameters() if any(fnmatch.fnmatch(name, pattern) for pattern in patterns) and name.endswith("_table")]
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]


def heads_of(net, patterns):
    """Heads by the names of projections; of timm's attentions, as many as they say."""
    modules = dict(net.named_modules())
    found = {}
    for pattern, count in patterns.items():
        for name in fnmatch.filter(modules, pattern):
            found[name] = count or modules[name.rpartition(".")[0]].num_heads
    return found


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
