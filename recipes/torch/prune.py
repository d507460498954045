"""Prunes a PyTorch model with Torch-Pruning and leaves what prunegate checks.

    python prune.py --model package.module:function --spec prune.yaml --out out [--input 1x3x224x224]

`function` returns the trained model. Three more functions may be named, each of which gets the model:

    --before      makes it one that Torch-Pruning can trace, as YOLO's C2f without its split (yolo:before, in yolo.py beside this); what it returns, if anything, are further arguments
                  of tp.pruner.BasePruner, as {"unwrapped_parameters": [(model.cls_token, 2)]}
    --gradients   calls loss.backward(), for Taylor and Hessian importances
    --after       sets what the model remembers of its widths, as num_heads of ViT and Swin

Written under --out:

    dense.onnx    the trained model, BatchNorm not folded: without that nobody can recompute the scores
    pruned.onnx   the pruned model, before any fine-tuning: after it no filter equals a dense one any more
    history.json  pruning_history(), the indices that Torch-Pruning reports
    scores.npz    the scores that it ranked, by the name of each group's root
    modules.json  the type of each module, by its name

Then: prunegate check --dense out/dense.onnx --pruned out/pruned.onnx --spec prune.yaml --reported out/history.json

Needs torch, torch-pruning, onnx and numpy, and PyYAML for a spec that is not JSON. Tested with torch 2.13 and torch-pruning 1.6.1.
"""

import argparse
import difflib
import importlib
import json
import os
import sys
import tempfile

import numpy
import onnx
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


class Mistake(Exception):
    """Something that the user can mend, in one line."""


def load(name):
    """The object at `package.module:attribute`, from the working directory or an installed package."""
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise Mistake(f"{name}: there is no module {error.name}") from None
    except AttributeError:
        found = [one for one in dir(importlib.import_module(module)) if not one.startswith("_")]
        raise Mistake(f"{name}: the module has no {attribute}{meant(attribute, found)}") from None


def meant(name, known):
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f": did you mean {near[0]}?" if near else ""


def check_names(spec, modules):
    """Every name in the spec is that of a module: a mistyped one would be pruned like all others."""
    for key in ("ignored_layers", "pruning_ratio_dict", "channel_groups", "out_channel_groups", "in_channel_groups", "num_heads"):
        for names in spec.get(key) or []:
            for name in str(names).split(","):
                if name.strip() not in modules:
                    raise Mistake(f"{key}: the model has no module {name.strip()}{meant(name.strip(), list(modules))}")


#: A protobuf message holds less than 2 GiB.
MOST_BYTES = 2_000_000_000


def export(model, example, path, most_bytes=MOST_BYTES):
    """The TorchScript exporter without constant folding keeps BatchNorm and the names of the weights.

    Weights that one file cannot hold lie beside it, in one file of the same name with .data at its end.
    """

    def to(target):
        torch.onnx.export(model.eval(), example, target, dynamo=False, do_constant_folding=False)

    if sum(one.numel() * one.element_size() for one in model.state_dict().values()) <= most_bytes:
        return to(path)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path))) as folder:
        whole = os.path.join(folder, "model.onnx")
        to(whole)
        data = os.path.basename(path) + ".data"
        if os.path.exists(f"{path}.data"):
            os.remove(f"{path}.data")
        onnx.save_model(onnx.load(whole), path, save_as_external_data=True, location=data)


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


def prune(model, example, spec, gradients=None, more=None):
    """Prunes the model in place by a spec of prunegate. Returns the pruner, and the scores of each group.

    gradients: for an importance that needs them, a function that calls loss.backward()
    more: further arguments of tp.pruner.BasePruner
    """
    modules = dict(model.named_modules())
    check_names(spec, modules)

    def by_module(mapping):
        return {modules[name]: value for name, value in mapping.items()}

    spec = dict(spec)
    for key in ("scores", "modules"):
        spec.pop(key, None)
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
        model, example, importance=recorder, ignored_layers=ignored, pruning_ratio_dict=ratios, **spec, **(more or {})
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
    for name in ("before", "gradients", "after"):
        parser.add_argument(f"--{name}", help="package.module:function, see above")
    arguments = parser.parse_args()
    try:
        run(arguments)
    except Mistake as mistake:
        sys.exit(f"prune.py: {mistake}")


def run(arguments):
    document = read_spec(arguments.spec)
    model = load(arguments.model)().eval()
    hooks = {name: load(getattr(arguments, name)) for name in ("before", "gradients", "after") if getattr(arguments, name)}
    more = hooks["before"](model) if "before" in hooks else None
    spec = document.get("prune", document)
    check_names(spec, dict(model.named_modules()))
    example = torch.randn(*[int(size) for size in arguments.input.split("x")])

    def at(name):
        return os.path.join(arguments.out, name)

    os.makedirs(arguments.out, exist_ok=True)
    export(model, example, at("dense.onnx"))
    types = {name: type(module).__name__ for name, module in model.named_modules() if name}
    gradients = (lambda: hooks["gradients"](model)) if "gradients" in hooks else None
    pruner, scores = prune(model, example, {key: value for key, value in spec.items() if key != "dialect"}, gradients, more)
    if "after" in hooks:
        hooks["after"](model)
    export(model, example, at("pruned.onnx"))
    for name, value in (("history.json", history_of(pruner)), ("modules.json", types)):
        with open(at(name), "w", encoding="utf-8") as file:
            json.dump(value, file)
    numpy.savez(at("scores.npz"), **scores)
    print(f"prunegate check {at('dense.onnx')} {at('pruned.onnx')} --spec {arguments.spec} --reported {at('history.json')}")


if __name__ == "__main__":
    main()
