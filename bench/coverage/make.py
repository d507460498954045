"""Makes one network of the coverage table: dense, pruned, and a wrong twin, exported every way.

    python bench/coverage/make.py --list
    python bench/coverage/make.py NET PRUNER OUT [--exports torchscript,dynamo,...] [--device cuda]

A NET that begins with small- is one of the tests' (SMALL of nets.py).

PRUNER is torch-pruning or declared. Under OUT: spec.json, dense.onnx, dense.dynamo-raw.onnx, pruned.EXPORT.onnx, wrong.EXPORT.onnx, cells.json,
which says of each export what its wrong twin got wrong, or why there is none.
"""

import argparse
import copy
import importlib.metadata
import io
import json
import math
import os
import sys
import traceback
import warnings

import torch
import torch_pruning as tp
from nets import NETS, SMALL, heads_of, ignored_modules, with_weights
import twins

#: What the wrong twin of each export gets wrong: every mistake meets several exporters.
EXPORTS = {
    "torchscript": "selection",
    "torchscript-folded": "columns",
    "dynamo": "vector",
    "dynamo-raw": "activation",
    "onnxsim": "columns",
    "onnxslim": "selection",
    "ort-basic": "vector",
    "ort-extended": "columns",
    "fp16": "selection",
}
ALL = {**NETS, **SMALL}
PRUNERS = ("torch-pruning", "declared")


def torch_pruning_spec(net, dense, example):
    more = dict(net.prune)
    if net.has_heads:
        more["num_heads"] = heads_of(dense, more["num_heads"])
    return {
        "dialect": "torch-pruning",
        "prune": {
            "importance": {"type": "GroupMagnitudeImportance", "p": 2, "group_reduction": "mean", "normalizer": "mean"},
            "pruning_ratio": 0.5,
            "ignored_layers": ignored_modules(dense, net.ignored),
            **more,
        },
    }


def prune_with_torch_pruning(net, model, example, spec, twin_at=None):
    modules = dict(model.named_modules())
    named = {**modules, **dict(model.named_parameters())}
    arguments = dict(spec["prune"])
    importance = dict(arguments.pop("importance"))
    scored = getattr(tp.importance, importance.pop("type"))(**importance)
    watched = twins.Swapped(scored, twin_at)
    pruner = tp.pruner.BasePruner(
        model,
        example,
        importance=watched,
        ignored_layers=[named[name] for name in arguments.pop("ignored_layers")],
        num_heads={modules[name]: count for name, count in arguments.pop("num_heads", {}).items()},
        # Left out, these are shared by all pruners of a process.
        in_channel_groups={},
        out_channel_groups={},
        customized_pruners=dict(net.pruners),
        **arguments,
    )
    pruner.step()
    net.settle(model, pruner.num_heads)
    model.zero_grad()
    return watched.calls


def declared_spec(net, dense, example):
    # Nothing of it knows of heads.
    ignored = ignored_modules(dense, [*net.ignored, *net.prune.get("num_heads", [])])
    ignored += uneven_modules(net, dense, example, ignored)
    exclude = [pattern for name in ignored for pattern in (name, f"{name}.*")]
    return {"dialect": "declared", "prune": {"preset": "tinynn", "keep": {"blocks": "auto"}, "exclude": exclude}}


def uneven_modules(net, dense, example, ignored):
    """Layers of which only some channels are another layer's: for these no preset has a rule."""
    model = copy.deepcopy(dense)
    names = {module: name for name, module in model.named_modules()}
    graph = tp.DependencyGraph().build_dependency(model, example, customized_pruners=dict(net.pruners))
    found = []
    modules = dict(model.named_modules())
    for group in graph.get_all_groups(ignored_layers=[inner for name in ignored for inner in modules[name].modules()]):
        outs = [(item.target.module, len(indices)) for item, indices in group if item.handler in OUTS]
        sizes = {len(indices) for _, indices in group[:1]} | {size for _, size in outs} | {graph.get_out_channels(module) for module, _ in outs}
        found += [names[module] for module, _ in outs if len(sizes) > 1]
    return sorted(set(found))


#: A depthwise convolution follows, and is not scored.
OUTS = (tp.prune_conv_out_channels, tp.prune_linear_out_channels)


def is_grouped(module):
    return isinstance(module, torch.nn.Conv2d) and module.groups > 1 and module.groups < module.out_channels


def prune_grouped_columns(self, layer, indices):
    """Torch-Pruning takes the columns that the first group of a convolution keeps for all of its groups. Here each keeps its own."""
    if not is_grouped(layer):
        return plain_columns(self, layer, indices)
    rows, columns = layer.out_channels // layer.groups, layer.in_channels // layer.groups
    kept = torch.ones(layer.in_channels, dtype=torch.bool)
    kept[list(indices)] = False
    weight = [layer.weight[k * rows : (k + 1) * rows][:, kept[k * columns : (k + 1) * columns]] for k in range(layer.groups)]
    layer.weight = torch.nn.Parameter(torch.cat(weight).detach())
    layer.in_channels = int(kept.sum())
    return layer


plain_columns = tp.function.ConvPruner.prune_in_channels


def score_of(group):
    """The L2 norms of the filters of all layers with the same channels, added up."""
    score = None
    for item, indices in group:
        module = item.target.module
        is_out = item.handler in OUTS
        if is_out and isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.Linear)):
            weight = module.weight.detach()
            filters = weight.transpose(0, 1) if isinstance(module, torch.nn.ConvTranspose2d) else weight
            norm = filters.flatten(1)[indices].norm(dim=1)
            score = norm if score is None else score + norm
    return score


def prune_as_declared(net, model, example, spec, twin_at=None):
    """TinyNeuralNetwork's rule, in blocks where a convolution is grouped: half goes, by the sums of norms of the dense weights."""
    excluded = set(spec["prune"]["exclude"])
    ignored = {inner for name, module in model.named_modules() if name in excluded for inner in module.modules()}
    tp.function.ConvPruner.prune_in_channels = prune_grouped_columns
    graph = tp.DependencyGraph().build_dependency(model, example, customized_pruners=dict(net.pruners))
    groups = []
    for group in graph.get_all_groups(ignored_layers=list(ignored)):
        outs = [item.target.module for item, _ in group if graph.is_out_channel_pruning_fn(item.handler)]
        if ignored.isdisjoint(outs):
            blocks = math.lcm(*[module.groups for module in (item.target.module for item, _ in group) if is_grouped(module)])
            groups.append((group[0].dep.target.module, group[0].dep.handler, score_of(group), blocks))
    # All are ranked before any is cut: the rule takes dense weights.
    for at, (module, handler, score, blocks) in enumerate(groups):
        if at == twin_at:
            low, high = int(score.argmin()), int(score.argmax())
            score[[low, high]] = score[[high, low]]
        size = len(score) // blocks
        worst = score.reshape(blocks, size).argsort(1)[:, : math.ceil(size * 0.5)]
        gone = (worst + torch.arange(blocks, device=worst.device)[:, None] * size).flatten().tolist()
        graph.get_pruning_group(module, handler, sorted(gone)).prune()
    return len(groups)


RULES = {
    "torch-pruning": (torch_pruning_spec, prune_with_torch_pruning),
    "declared": (declared_spec, prune_as_declared),
}


class Exporter:
    """Exports one network in every form; forms that begin alike, with the same bytes, share these."""

    def __init__(self, net, example):
        self.net, self.example, self.begun = net, example, {}

    def write(self, path, form):
        is_dynamo = form in ("dynamo", "dynamo-raw")
        begun = self.of_dynamo(form == "dynamo") if is_dynamo else self.of_torchscript(form == "torchscript-folded")
        with open(path, "wb") as file:
            file.write(begun)
        finish = FINISH.get(form)
        if finish is not None:
            finish(path)

    def fresh(self):
        # Exporters of PyTorch change what they are given (aliases, training flags, what a network remembers of its input).
        return copy.deepcopy(self.net).eval()

    def of_torchscript(self, is_folded):
        def made():
            written = io.BytesIO()
            with torch.no_grad():
                torch.onnx.export(self.fresh(), self.example, written, dynamo=False, do_constant_folding=is_folded)
            return written.getvalue()

        return self.once(("torchscript", is_folded), made)

    def of_dynamo(self, is_optimized):
        def made():
            with torch.no_grad():
                return torch.onnx.export(self.fresh(), self.example, dynamo=True, optimize=False, verbose=False)

        program = self.once("dynamo", made)
        # Optimizing changes the program itself, so the plain form comes first.
        plain = self.once(("dynamo", False), lambda: program.model_proto.SerializeToString())
        if not is_optimized:
            return plain

        def optimized():
            program.optimize()
            return program.model_proto.SerializeToString()

        return self.once(("dynamo", True), optimized)

    def once(self, key, made):
        if key not in self.begun:
            self.begun[key] = made()
        return self.begun[key]


def simplify(path):
    import onnx
    import onnxsim

    model, is_checked = onnxsim.simplify(onnx.load(path))
    if not is_checked:
        raise RuntimeError("onnxsim did not get the same model")
    onnx.save(model, path)


def slim(path):
    import onnx
    import onnxslim

    onnx.save(onnxslim.slim(onnx.load(path)), path)


def optimize(level):
    def run(path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.optimized_model_filepath = f"{path}.optimized"
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        os.replace(f"{path}.optimized", path)

    return run


def halve(path):
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)


FINISH = {
    "onnxsim": simplify,
    "onnxslim": slim,
    "ort-basic": optimize("ORT_ENABLE_BASIC"),
    "ort-extended": optimize("ORT_ENABLE_EXTENDED"),
    "fp16": halve,
}


def same(net, other):
    mine, others = net.state_dict(), other.state_dict()
    return all(mine[key].shape == others[key].shape and torch.equal(mine[key], others[key]) for key in mine)


def reason(error):
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:160] if lines else ''}"


def make(name, pruner, out, forms, device):
    net = ALL[name]
    torch.manual_seed(0)
    dense = with_weights(net.build().eval(), net.shape)
    example = torch.randn(*net.shape, generator=torch.Generator().manual_seed(1))
    make_spec, prune = RULES[pruner]
    spec = make_spec(net, dense, example)
    with open(os.path.join(out, "spec.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file)
    exporter = Exporter(dense, example)
    exporter.write(os.path.join(out, "dense.onnx"), "torchscript")
    if "dynamo-raw" in forms:
        exporter.write(os.path.join(out, "dense.dynamo-raw.onnx"), "dynamo-raw")

    def cut(twin_at=None):
        model = copy.deepcopy(dense).to(device)
        count = prune(net, model, example.to(device), spec, twin_at)
        return model.cpu(), count

    pruned, groups = cut()
    pruned(example)
    exporters = {"right": Exporter(pruned, example)}

    def changed(kind):
        model = copy.deepcopy(pruned)
        return None if getattr(twins, kind)(model) is None else model

    def selection():
        # Where channels are ranked in groups, an exchange of two may change nothing.
        for at in [*range(groups // 2, groups), *range(groups // 2)]:
            model, _ = cut(at)
            if not same(model, pruned):
                return model
        return None

    def twin(kind):
        if kind not in exporters:
            model = selection() if kind == "selection" else changed(kind)
            exporters[kind] = None if model is None else Exporter(model, example)
        return exporters[kind]

    cells = {}
    for form in forms:
        kinds = ["heads"] if net.has_heads and EXPORTS[form] == "vector" else []
        kind = next(kind for kind in [*kinds, EXPORTS[form], "vector"] if twin(kind) is not None)
        try:
            exporters["right"].write(os.path.join(out, f"pruned.{form}.onnx"), form)
            twin(kind).write(os.path.join(out, f"wrong.{form}.onnx"), form)
            cells[form] = {"twin": kind}
        except Exception as error:
            traceback.print_exc()
            cells[form] = {"failed": reason(error)}
    has_norm = any(getattr(module, "running_var", None) is not None for module in dense.modules())
    return {"parameters": sum(one.numel() for one in dense.parameters()), "hasNorm": has_norm, "cells": cells}


def versions():
    names = ("torch", "torchvision", "timm", "ultralytics", "torch-pruning", "onnx", "onnxscript", "onnxruntime", "onnxsim", "onnxslim", "numpy")
    return {name: importlib.metadata.version(name) for name in names}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the names of networks, pruners and exports as JSON")
    parser.add_argument("net", nargs="?", choices=list(ALL))
    parser.add_argument("pruner", nargs="?", choices=PRUNERS)
    parser.add_argument("out", nargs="?")
    parser.add_argument("--exports", default=",".join(EXPORTS))
    parser.add_argument("--device", default="cpu", help="where the pruner ranks and cuts")
    arguments = parser.parse_args()
    if arguments.list:
        nets = {name: net.rules for name, net in NETS.items()}
        return print(json.dumps({"nets": nets, "pruners": PRUNERS, "exports": list(EXPORTS), "twins": EXPORTS, "versions": versions()}))
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    # No exporter knows the operator that attention in evaluation comes to.
    torch.backends.mha.set_fastpath_enabled(False)
    os.makedirs(arguments.out, exist_ok=True)
    try:
        made = make(arguments.net, arguments.pruner, arguments.out, arguments.exports.split(","), arguments.device)
    except Exception as error:
        traceback.print_exc()
        made = {"failed": reason(error)}
    with open(os.path.join(arguments.out, "cells.json"), "w", encoding="utf-8") as file:
        json.dump(made, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
