"""One mistake in an otherwise right pruned network: what a pruner, a script behind it or an exporter got wrong."""

import torch
from torch import nn

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.LeakyReLU)


def middle(items):
    return items[len(items) // 2] if items else None


def columns(net):
    """Two channels that a layer reads are swapped."""

    def reads(module):
        if isinstance(module, nn.Linear):
            return module.in_features >= 4
        return isinstance(module, nn.Conv2d) and module.groups == 1 and module.in_channels >= 4

    name, layer = middle([(name, module) for name, module in net.named_modules() if reads(module)])
    with torch.no_grad():
        layer.weight[:, [0, 1]] = layer.weight[:, [1, 0]]
    return name


def vector(net):
    """Two elements of a BatchNorm's mean are swapped, or of a LayerNorm's weight, or of a bias."""
    norms = [(name, module) for name, module in net.named_modules() if getattr(module, "running_mean", None) is not None]
    layer_norms = [(name, module) for name, module in net.named_modules() if isinstance(module, nn.LayerNorm)]
    biases = [(name, module) for name, module in net.named_modules() if getattr(module, "bias", None) is not None]
    name, module = middle(norms) or middle(layer_norms) or middle(biases)
    changed = module.running_mean if norms else module.weight if layer_norms else module.bias
    with torch.no_grad():
        changed[[0, 1]] = changed[[1, 0]]
    return name


def activation(net):
    """An activation is another one. None where the network has no modules for them."""
    found = [
        (parent, key, child, name)
        for name, parent in net.named_modules()
        for key, child in parent.named_children()
        if isinstance(child, ACTIVATIONS)
    ]
    if not found:
        return None
    parent, key, child, name = middle(found)
    # One module may stand in many places.
    setattr(parent, key, nn.ELU() if isinstance(child, nn.ReLU) else nn.ReLU())
    return f"{name}.{key}".lstrip(".")


def heads(net):
    """Two heads of one attention are exchanged where they are made, and not where they are read. None where none is left with two."""
    found = [(name, *projected) for name, module in net.named_modules() if (projected := projections(module)) is not None]
    chosen = middle([one for one in found if one[2] >= 2])
    if chosen is None:
        return None
    name, layers, count, parts = chosen
    with torch.no_grad():
        for layer in layers:
            for vector in [layer.weight] + ([] if layer.bias is None else [layer.bias]):
                # Part, head, channel of the head.
                rows = vector.view(parts, count, -1, *vector.shape[1:])
                rows[:, [0, 1]] = rows[:, [1, 0]]
    return name


def projections(module):
    """The projections of an attention that have as many heads, how many these are, and how many parts one projection has."""
    if isinstance(getattr(module, "qkv", None), nn.Linear):
        return [module.qkv], module.num_heads, 3
    if isinstance(getattr(module, "q", None), nn.Linear) and hasattr(module, "size"):
        return [module.q], module.q.out_features // module.size, 1
    return None


class Swapped:
    """An importance that takes the best channel of one group for its worst."""

    def __init__(self, importance, at):
        self.importance, self.at, self.calls = importance, at, 0

    def __call__(self, group, **arguments):
        scores = self.importance(group, **arguments)
        if scores is None:
            return scores
        if self.calls == self.at:
            low, high = int(scores.argmin()), int(scores.argmax())
            scores[[low, high]] = scores[[high, low]]
        self.calls += 1
        return scores
