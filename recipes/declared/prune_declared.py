"""Prunes a PyTorch model by a declared spec, and leaves what prunegate checks: one file says what is pruned and what is verified.

    python prune_declared.py --model package.module:function --spec prune.yaml --out out [--input 1x3x224x224]

`function` returns the trained model; `--before` names one that gets it first, as yolo:before of ../torch for ultralytics' YOLO. Two kinds of spec are done:

    form: zeroed     torch.nn.utils.prune.ln_structured: `preset: ln_structured`, value l1 or l2, rule ratio or remove
    form: removed    network slimming: `preset: network-slimming`, gammas of all layers ranked together, channels cut by Torch-Pruning's graph;
                     coupled: whole | together (with score: or | and | sum | mean | max | min), or alone where no layers are coupled

What else a spec asks for is refused: a recipe that did something else than the spec says would be worse than none. Written under --out:

    dense.onnx      the trained model, BatchNorm not folded
    pruned.onnx     the pruned model, before any fine-tuning
    retained.json   the filters that each layer retains, as this script chose them
    masks.npz       form zeroed: the masks of torch.nn.utils.prune

Needs ../torch/prune.py beside it, and what that needs. Tested with torch 2.13 and torch-pruning 1.6.1.
"""

import argparse
import json
import math
import os
import re
import sys

import numpy
import torch
import torch.nn.utils.prune
import torch_pruning as tp

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torch"))
from prune import Mistake, export, load, meant, read_spec  # noqa: E402

#: The keys that are read, and what they are where neither the spec nor its preset says so.
DEFAULTS = {
    "importance": {"value": "l2"},
    "group": {"coupled": "together", "score": "sum", "depthwise": "ignored"},
    "keep": {"rule": "ratio", "amount": 0.5, "rounding": "remove-floor", "compare": ">", "min": 1},
    "form": "removed",
    "zeroes": ["weight"],
}
PRESETS = {
    "ln_structured": {"group": {"coupled": "alone", "depthwise": "scored"}, "keep": {"rounding": "remove-nearest", "min": 0}, "form": "zeroed"},
    "network-slimming": {
        "importance": {"value": "bn-gamma"},
        "group": {"coupled": "alone"},
        "keep": {"rule": "rank-threshold", "compare": ">", "min": 0},
    },
}
#: What each form does, by key: all else is refused.
DONE = {
    "zeroed": {
        "importance.value": ("l1", "l2"),
        "group.coupled": ("alone",),
        "group.depthwise": ("scored",),
        "keep.rule": ("ratio", "remove"),
        "keep.rounding": ("remove-nearest",),
        "keep.min": (0,),
        "zeroes": (["weight"],),
    },
    "removed": {
        "importance.value": ("bn-gamma",),
        "group.coupled": ("alone", "together", "whole"),
        "group.score": ("sum", "mean", "max", "min", "or", "and"),
        "keep.rule": ("rank-threshold",),
        "keep.rounding": ("remove-floor",),
    },
}
LAYERS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)
NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)


def merged(base, over):
    """Values of `over` where it has them; mappings are merged."""
    both = dict(base)
    for key, value in over.items():
        both[key] = merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return both


def keys_of(document):
    """The spec's keys, with those of its preset and the defaults. Refuses what is not done here."""
    if document.get("dialect") != "declared":
        raise Mistake("the spec needs dialect: declared at its top")
    written = dict(document.get("prune") or {})
    preset = written.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise Mistake(f"preset: {preset} is not done here, but {' and '.join(PRESETS)} are{meant(str(preset), list(PRESETS))}")
    keys = merged(merged(DEFAULTS, PRESETS.get(preset, {})), written)
    form = keys["form"]
    if form not in DONE:
        raise Mistake(f"form: {form} is neither zeroed nor removed{meant(str(form), list(DONE))}")
    check(keys, form)
    return keys


def check(keys, form):
    known = {"importance": {"value"}, "group": {"coupled", "score", "depthwise"}, "keep": {"rule", "amount", "rounding", "compare", "min"}}
    others = [key for key in keys if key not in {*DEFAULTS, "exclude", "layers"}]
    others += [f"{key}.{inner}" for key, inners in known.items() for inner in keys[key] if inner not in inners]
    if form == "removed" and keys.get("layers"):
        others.append("layers")
    for name in others:
        raise Mistake(f"{name}: is not done here for form: {form}")
    every = [keys] + [merged(keys, own) for own in (keys.get("layers") or {}).values()]
    for one in every:
        for name, allowed in DONE[form].items():
            value = one
            for key in name.split("."):
                value = value[key]
            if value not in allowed:
                raise Mistake(f"{name}: {value} is not done here for form: {form}, but {' | '.join(map(str, allowed))}")


def fits(pattern, name):
    """Whether a name fits whole: * stands for any text, ? for one character."""
    return re.fullmatch("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern), name) is not None


def layers_of(model, keys):
    """Layers with filters by name, and which of them are excluded. Every pattern fits a layer."""
    layers = {name: module for name, module in model.named_modules() if isinstance(module, LAYERS)}
    for pattern in [*keys.get("exclude", []), *(keys.get("layers") or {})]:
        if not any(fits(pattern, name) for name in layers):
            raise Mistake(f"{pattern} fits no layer of the model{meant(pattern, list(layers))}")
    return layers, {name for name in layers if any(fits(pattern, name) for pattern in keys.get("exclude", []))}


def mask(layers, excluded, keys):
    """ln_structured on each layer. Returns the masks by layer."""
    masks = {}
    for name, module in layers.items():
        if name in excluded:
            continue
        keep = keys["keep"]
        for pattern, own in (keys.get("layers") or {}).items():
            keep = merged(keep, own.get("keep", {})) if fits(pattern, name) else keep
        amount = int(keep["amount"]) if keep["rule"] == "remove" else float(keep["amount"])
        n = 1 if keys["importance"]["value"] == "l1" else 2
        torch.nn.utils.prune.ln_structured(module, "weight", amount=amount, n=n, dim=0)
        masks[name] = module.weight_mask.detach().flatten(1).bool().any(1).numpy()
        torch.nn.utils.prune.remove(module, "weight")
    return masks


class Group:
    """Layers whose output channels are the same ones, as Torch-Pruning's graph has it, and their gammas."""

    def __init__(self, graph, root, names):
        items = graph.get_pruning_group(root, tp.prune_conv_out_channels, list(range(root.weight.shape[0])))
        self.root, self.size = root, root.weight.shape[0]
        outs = [dep.target.module for dep, _ in items if dep.handler == graph.get_pruner_of_module(dep.target.module).prune_out_channels]
        self.members = [module for module in dict.fromkeys(outs) if isinstance(module, LAYERS)]
        self.names = [names[module] for module in self.members]
        ordinary = [module for module in self.members if getattr(module, "groups", 1) == 1] or self.members
        norms = {graph.module2node[norm].inputs[0].module: norm for norm in outs if isinstance(norm, NORMS)}
        gammas = [norms[module].weight.detach().abs().double().numpy() for module in ordinary if module in norms]
        self.scores = numpy.array(gammas).reshape(len(gammas), self.size)


def ranked(groups, keys):
    """What is compared with the threshold, group by group: a row for each layer whose mask is merged, else one."""
    score = keys["group"]["score"]
    if score in ("or", "and"):
        return [group.scores for group in groups]
    merge = {"sum": numpy.sum, "mean": numpy.mean, "max": numpy.max, "min": numpy.min}[score]
    return [merge(group.scores, axis=0, keepdims=True) for group in groups]


def slim(model, example, layers, excluded, keys):
    """Cuts channels whose gammas are small among those of all layers. Returns what each layer retains."""
    graph = tp.DependencyGraph().build_dependency(model, example)
    names = {module: name for name, module in layers.items()}
    retained = {name: list(range(module.weight.shape[0])) for name, module in layers.items()}
    groups, seen = [], set()
    for name, module in layers.items():
        if isinstance(module, torch.nn.Linear) or name in seen:
            continue
        group = Group(graph, module, names)
        seen.update(group.names)
        is_free = len(group.members) == 1 or keys["group"]["coupled"] == "together"
        if keys["group"]["coupled"] == "alone" and not is_free and not excluded & set(group.names) and len(group.scores):
            raise Mistake(f"{', '.join(group.names)} have the same channels: say group: {{coupled: together}} or {{coupled: whole}}")
        if is_free and not excluded & set(group.names) and len(group.scores):
            groups.append(group)
    if not groups:
        raise Mistake("no layer may be pruned: all are excluded, coupled, or have no BatchNorm directly behind them")
    pools = ranked(groups, keys)
    pool = numpy.sort(numpy.concatenate([scores.ravel() for scores in pools]))
    keep = keys["keep"]
    threshold = pool[min(int(len(pool) * keep["amount"]), len(pool) - 1)]
    for group, scores in zip(groups, pools):
        stays = [kept_of(row, threshold, keep) for row in scores]
        kept = numpy.logical_and.reduce(stays) if keys["group"]["score"] == "and" else numpy.logical_or.reduce(stays)
        if not kept.any():
            raise Mistake(f"nothing would be left of {group.names[0]}: say keep: {{min: 1}}")
        gone = [int(channel) for channel in numpy.flatnonzero(~kept)]
        if gone:
            graph.get_pruning_group(group.root, tp.prune_conv_out_channels, gone).prune()
        retained.update({name: [int(channel) for channel in numpy.flatnonzero(kept)] for name in group.names})
    return retained


def kept_of(scores, threshold, keep):
    kept = scores > threshold if keep["compare"] == ">" else scores >= threshold
    n, least = len(scores), keep["min"]
    least = max(math.trunc(n * float(least[:-1]) / 100), 1) if isinstance(least, str) else least
    if kept.sum() < least:
        kept = numpy.zeros(n, dtype=bool)
        kept[numpy.argsort(-scores, kind="stable")[:least]] = True
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="package.module:function that returns the trained model")
    parser.add_argument("--spec", required=True, help="YAML with dialect: declared and prune:")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--input", default="1x3x224x224", help="shape of one input")
    parser.add_argument("--before", help="package.module:function, see above")
    try:
        run(parser.parse_args())
    except Mistake as mistake:
        sys.exit(f"prune_declared.py: {mistake}")


def run(arguments):
    keys = keys_of(read_spec(arguments.spec))
    model = load(arguments.model)().eval()
    if arguments.before:
        load(arguments.before)(model)
    layers, excluded = layers_of(model, keys)
    example = torch.randn(*[int(size) for size in arguments.input.split("x")])

    def at(name):
        return os.path.join(arguments.out, name)

    os.makedirs(arguments.out, exist_ok=True)
    export(model, example, at("dense.onnx"))
    if keys["form"] == "zeroed":
        masks = mask(layers, excluded, keys)
        numpy.savez(at("masks.npz"), **masks)
        kept = {name: masks.get(name, numpy.ones(module.weight.shape[0], dtype=bool)) for name, module in layers.items()}
        retained = {name: [int(filter_) for filter_ in numpy.flatnonzero(one)] for name, one in kept.items()}
    else:
        retained = slim(model, example, layers, excluded, keys)
    export(model, example, at("pruned.onnx"))
    with open(at("retained.json"), "w", encoding="utf-8") as file:
        json.dump(retained, file)
    print(f"prunegate check {at('dense.onnx')} {at('pruned.onnx')} --spec {arguments.spec} --reported {at('retained.json')}")


if __name__ == "__main__":
    main()
