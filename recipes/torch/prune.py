"""Prunes a PyTorch model with Torch-Pruning and leaves what prunegate checks.

    python prune.py --model package.module:function --spec prune.yaml --out out [--input 1x3x224x224]

`function` returns the trained model. Written under --out:

    dense.onnx    the trained model, BatchNorm not folded: without that nobody can recompute the scores
    pruned.onnx   the pruned model, before any fine-tuning: after it no filter equals a dense one any more
    history.json  pruning_history(), the indices that Torch-Pruning reports
    scores.npz    the scores that it ranked, by the name of each group's root

Then: prunegate check --dense out/dense.onnx --pruned out/pruned.onnx --spec prune.yaml --reported out/history.json

Needs torch, torch-pruning, onnx and numpy, and PyYAML for a spec that is not JSON. Tested with torch 2.13 and torch-pruning 1.6.1.
"""

import argparse
import importlib
import json
import os
import sys

import numpy
import torch
import torch_pruning as tp


def read_spec(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        import yaml
    except ImportError:
        return json.loads(text)
    return yaml.safe_load(text)


def load(name):
    """The object at `package.module:attribute`, from the working directory or an installed package."""
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    return getattr(importlib.import_module(module), attribute)


def export(model, example, path):
    """The TorchScript exporter without constant folding keeps BatchNorm and the names of the weights."""
    torch.onnx.export(model.eval(), example, path, dynamo=False, do_constant_folding=False)


class Recorder:
    """An importance that remembers what it said of each group."""

    def __init__(self, importance, names):
        self.importance, self.names, self.scores = importance, names, {}

    def __call__(self, group):
        scores = self.importance(group)
        if scores is not None:
            self.scores[self.names[group[0].dep.target.module]] = scores.detach().cpu().numpy()
        return scores


def importance_of(spec):
    spec = dict(spec)
    name = spec.pop("type")
    return getattr(tp.importance, name)(**spec)


def prune(model, example, spec, gradients=None):
    """Prunes the model in place by a spec of prunegate. Returns the pruner, and the scores of each group.

    gradients: for an importance that needs them, a function that calls loss.backward()
    """
    modules = dict(model.named_modules())

    def by_module(mapping):
        return {modules[name]: value for name, value in mapping.items()}

    spec = dict(spec)
    spec.pop("scores", None)
    recorder = Recorder(importance_of(spec.pop("importance")), {module: name for name, module in modules.items()})
    ignored = [modules[name] for name in spec.pop("ignored_layers", None) or []]
    ratios = {
        tuple(modules[name.strip()] for name in key.split(",")) if "," in key else modules[key]: ratio
        for key, ratio in (spec.pop("pruning_ratio_dict", None) or {}).items()
    }
    for key in ("channel_groups", "out_channel_groups", "in_channel_groups", "num_heads"):
        # Torch-Pruning's defaults are dictionaries that all pruners of a process share: give it new ones.
        spec[key] = by_module(spec.get(key) or {})
    pruner = tp.pruner.BasePruner(
        model, example, importance=recorder, ignored_layers=ignored, pruning_ratio_dict=ratios, **spec
    )
    if gradients is not None:
        gradients()
    pruner.step()
    model.zero_grad()
    return pruner, recorder.scores


def history_of(pruner):
    return [[name, is_out, [int(index) for index in indices]] for name, is_out, indices in pruner.pruning_history()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="package.module:function that returns the trained model")
    parser.add_argument("--spec", required=True, help="YAML with dialect: torch-pruning and prune:")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--input", default="1x3x224x224", help="shape of one input")
    arguments = parser.parse_args()

    document = read_spec(arguments.spec)
    model = load(arguments.model)().eval()
    example = torch.randn(*[int(size) for size in arguments.input.split("x")])
    os.makedirs(arguments.out, exist_ok=True)
    export(model, example, os.path.join(arguments.out, "dense.onnx"))
    pruner, scores = prune(model, example, document.get("prune", document))
    export(model, example, os.path.join(arguments.out, "pruned.onnx"))
    with open(os.path.join(arguments.out, "history.json"), "w", encoding="utf-8") as file:
        json.dump(history_of(pruner), file)
    numpy.savez(os.path.join(arguments.out, "scores.npz"), **scores)


if __name__ == "__main__":
    main()
