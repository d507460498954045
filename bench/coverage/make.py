"""Makes one network of the coverage table: dense, pruned, and a wrong twin, exported every way.

    python bench/coverage/make.py --list
    python bench/coverage/make.py NET PRUNER OUT [--exports torchscript,dynamo,...]

PRUNER is torch-pruning or declared. Under OUT: spec.json, dense.onnx, dense.dynamo-raw.onnx, pruned.EXPORT.onnx, wrong.EXPORT.onnx, cells.json,
which says of each export what its wrong twin got wrong, or why there is none.
"""

import argparse
import copy
import json
import math
import os
import sys
import traceback
import warnings

import torch
import torch_pruning as tp
from nets import NETS, ignored_modules, with_weights
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
PRUNERS = ("torch-pruning", "declared")


def torch_pruning_spec(ignored):
    return {
        "dialect": "torch-pruning",
        "prune": {
            "importance": {"type": "GroupMagnitudeImportance", "p": 2, "group_reduction": "mean", "normalizer": "mean"},
            "pruning_ratio": 0.5,
            "ignored_layers": ignored,
        },
    }


def prune_with_torch_pruning(net, example, spec, twin_at=None):
    modules = dict(net.named_modules())
    arguments = dict(spec["prune"])
    importance = dict(arguments.pop("importance"))
    scored = getattr(tp.importance, importance.pop("type"))(**importance)
    watched = twins.Swapped(scored, twin_at)
    ignored = [modules[name] for name in arguments.pop("ignored_layers")]
    pruner = tp.pruner.BasePruner(net, example, importance=watched, ignored_layers=ignored, num_heads={}, in_channel_groups={}, out_channel_groups={}, **arguments)
    pruner.step()
    net.zero_grad()
    return watched.calls


def declared_spec(ignored):
    return {"dialect": "declared", "prune": {"preset": "tinynn", "exclude": [pattern for name in ignored for pattern in (name, f"{name}.*")]}}


def prune_as_declared(net, example, spec, twin_at=None):
    """TinyNeuralNetwork's rule in ten lines: the L2 norms of layers with the same channels are added up, of the dense weights; half goes."""
    excluded = {name for name in spec["prune"]["exclude"]}
    names = {module: name for name, module in net.named_modules()}
    ignored = [inner for module, name in names.items() if name in excluded for inner in module.modules()]
    graph = tp.DependencyGraph().build_dependency(net, example)
    groups = []
    for group in graph.get_all_groups(ignored_layers=ignored):
        score = None
        for item, indices in group:
            module = item.target.module
            is_out = item.handler in (tp.prune_conv_out_channels, tp.prune_linear_out_channels)
            if is_out and isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)) and not isinstance(module, torch.nn.ConvTranspose2d):
                norm = module.weight.detach().flatten(1)[indices].norm(dim=1)
                score = norm if score is None else score + norm
        groups.append((group[0].dep.target.module, group[0].dep.handler, score))
    # All are ranked before any is cut: the rule takes dense weights.
    for at, (module, handler, score) in enumerate(groups):
        if at == twin_at:
            low, high = int(score.argmin()), int(score.argmax())
            score[[low, high]] = score[[high, low]]
        gone = score.argsort()[: math.ceil(len(score) * 0.5)].tolist()
        graph.get_pruning_group(module, handler, sorted(gone)).prune()
    return len(groups)


RULES = {
    "torch-pruning": (torch_pruning_spec, prune_with_torch_pruning),
    "declared": (declared_spec, prune_as_declared),
}


def export(net, example, path, form):
    """One file, by PyTorch's exporters or by what optimizes a file that the older of them wrote."""
    # Exporters of PyTorch change what they are given (aliases, training flags).
    net = copy.deepcopy(net).eval()
    if form in ("dynamo", "dynamo-raw"):
        torch.onnx.export(net, example, path, dynamo=True, optimize=form == "dynamo", external_data=False, verbose=False)
    else:
        torch.onnx.export(net, example, path, dynamo=False, do_constant_folding=form == "torchscript-folded")
    finish = FINISH.get(form)
    if finish is not None:
        finish(path)


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


def make(name, pruner, out, forms):
    build, shape, patterns = NETS[name]
    torch.manual_seed(0)
    dense = with_weights(build().eval(), shape)
    example = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    make_spec, prune = RULES[pruner]
    spec = make_spec(ignored_modules(dense, patterns))
    with open(os.path.join(out, "spec.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file)
    export(dense, example, os.path.join(out, "dense.onnx"), "torchscript")
    if "dynamo-raw" in forms:
        export(dense, example, os.path.join(out, "dense.dynamo-raw.onnx"), "dynamo-raw")
    pruned = copy.deepcopy(dense)
    groups = prune(pruned, example, spec)
    pruned(example)
    wrong = {}

    def changed(kind):
        net = copy.deepcopy(pruned)
        return None if getattr(twins, kind)(net) is None else net

    def selection():
        # Where channels are ranked in groups, an exchange of two may change nothing.
        for at in [*range(groups // 2, groups), *range(groups // 2)]:
            net = copy.deepcopy(dense)
            prune(net, example, spec, at)
            if not same(net, pruned):
                return net
        return None

    def twin(kind):
        if kind not in wrong:
            wrong[kind] = selection() if kind == "selection" else changed(kind)
        return wrong[kind]

    cells = {}
    for form in forms:
        kind = EXPORTS[form] if twin(EXPORTS[form]) is not None else "vector"
        try:
            export(pruned, example, os.path.join(out, f"pruned.{form}.onnx"), form)
            export(twin(kind), example, os.path.join(out, f"wrong.{form}.onnx"), form)
            cells[form] = {"twin": kind}
        except Exception as error:
            cells[form] = {"failed": reason(error)}
    has_norm = any(getattr(module, "running_var", None) is not None for module in dense.modules())
    return {"parameters": sum(one.numel() for one in dense.parameters()), "hasNorm": has_norm, "cells": cells}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the names of networks, pruners and exports as JSON")
    parser.add_argument("net", nargs="?", choices=list(NETS))
    parser.add_argument("pruner", nargs="?", choices=PRUNERS)
    parser.add_argument("out", nargs="?")
    parser.add_argument("--exports", default=",".join(EXPORTS))
    arguments = parser.parse_args()
    if arguments.list:
        return print(json.dumps({"nets": list(NETS), "pruners": PRUNERS, "exports": list(EXPORTS), "twins": EXPORTS}))
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    os.makedirs(arguments.out, exist_ok=True)
    try:
        made = make(arguments.net, arguments.pruner, arguments.out, arguments.exports.split(","))
    except Exception as error:
        traceback.print_exc()
        made = {"failed": reason(error)}
    with open(os.path.join(arguments.out, "cells.json"), "w", encoding="utf-8") as file:
        json.dump(made, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
