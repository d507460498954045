"""Hooks for ultralytics' YOLO: python prune.py --before yolo:before ... (also of recipes/declared/prune_declared.py).

Tested with ultralytics 8.4 (YOLOv8).
"""

import torch
from torch import nn
from ultralytics.nn.modules import C2f


class Undivided(nn.Module):
    """C2f without its split, whose halves Torch-Pruning cannot tell apart: two convolutions in the place of one."""

    def __init__(self, block):
        super().__init__()
        half, first = block.c, block.cv1
        self.cv0, self.cv1 = self.part(first, slice(None, half)), self.part(first, slice(half, None))
        self.cv2, self.m = block.cv2, block.m
        self.i, self.f, self.type = block.i, block.f, block.type

    @staticmethod
    def part(conv, rows):
        own = type(conv)(conv.conv.in_channels, len(range(conv.conv.out_channels)[rows]), conv.conv.kernel_size[0])
        own.conv.weight.data = conv.conv.weight.data[rows].clone()
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(own.bn, name).data = getattr(conv.bn, name).data[rows].clone()
        own.bn.eps = conv.bn.eps
        return own.eval()

    def forward(self, x):
        y = [self.cv0(x), self.cv1(x)]
        y.extend(m(y[-1]) for m in self.m)
        return self.cv2(torch.cat(y, 1))


def before(model):
    """Makes a DetectionModel one that Torch-Pruning can trace, which computes the same up to the decoding of boxes."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, C2f):
                setattr(parent, name, Undivided(child))
    # What the head computes before boxes are decoded.
    model.model[-1].export, model.model[-1].format = True, "onnx"
