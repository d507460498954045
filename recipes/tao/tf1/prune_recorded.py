"""Runs the pruner of TAO's TensorFlow 1 networks and writes which filters it retained: retained.json.

TAO logs only how many filters a layer keeps. The indices are in memory when `PruneMinWeight._explore` returns, in
`_explored_layers[name].retained_idx` (nvidia_tao_tf1/core/pruning/pruning.py, release 5.0.0). This runs the same script
as `yolo_v4 prune`, with the same flags, and takes them there. prunegate compares them with the spec and with the pruned
model (`reported`).

    python prune_recorded.py yolo_v4 --retained out/retained.json -m model.hdf5 -o out/pruned.hdf5 -eq union -pth 0.1
"""

import argparse
import importlib
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

# Folders of nvidia_tao_tf1/cv, where they are not called as their commands are.
FOLDERS = {
    "classification_tf1": "makenet",
    "dssd": "ssd",
    "efficientdet_tf1": "efficientdet",
    "yolo_v4_tiny": "yolo_v4",
}
PRUNABLE = ("Conv2D", "DepthwiseConv2D", "Dense", "QuantizedConv2D", "QuantizedDepthwiseConv2D", "QuantizedDense")


class RecipeError(Exception):
    """What the user can mend: one line, exit status 2."""


def retained_of(pruner, model):
    """{layer: [indices]} of every prunable layer of an explored model."""
    retained = {}
    for layer in model.layers:
        if type(layer).__name__ not in PRUNABLE:
            continue
        explored = pruner._explored_layers.get(layer.name)
        if explored is None or explored.retained_idx is None:
            raise RecipeError(
                "the pruner explored the model, but says nothing of {}: is this another release of TAO?".format(layer.name)
            )
        retained[layer.name] = sorted(int(index) for index in explored.retained_idx)
    if not retained:
        raise RecipeError("the model has no layer that can be pruned")
    return retained


@contextmanager
def recording(pruner_class, path):
    """While it lasts, what the pruner explores is written to `path`, also where rebuilding the model then fails."""
    if not callable(getattr(pruner_class, "_explore", None)):
        raise RecipeError(
            "{} has no _explore to take the indices from: is this another release of TAO?".format(pruner_class.__name__)
        )
    explore = pruner_class._explore

    def explore_and_record(self, model):
        explored = explore(self, model)
        write(retained_of(self, explored), path)
        return explored

    pruner_class._explore = explore_and_record
    try:
        yield
    finally:
        pruner_class._explore = explore


def write(retained, path):
    """A layer on each line, under a temporary name first."""
    lines = ",\n".join("  {}: {}".format(json.dumps(name), json.dumps(indices)) for name, indices in retained.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("{}.{}.tmp".format(path.name, os.getpid()))
    temporary.write_text("{{\n{}\n}}\n".format(lines), encoding="utf-8")
    os.replace(str(temporary), str(path))


def run_prune(network, flags):
    """Runs TAO's own prune script in this process, as `NETWORK prune FLAGS` does."""
    name = "nvidia_tao_tf1.cv.{}.scripts.prune".format(FOLDERS.get(network, network))
    try:
        pruning = importlib.import_module("nvidia_tao_tf1.core.pruning.pruning")
        script = importlib.import_module(name)
    except ImportError as error:
        raise RecipeError("TAO's pruner is not there ({}): run this inside the TAO container".format(error))
    return pruning.PruneMinWeight, lambda: script.main(flags)


def parser():
    args = argparse.ArgumentParser(
        description="Runs the pruner of TAO's TensorFlow 1 networks and writes the indices that it retained.",
        epilog="All other flags are those of TAO's prune command: -m, -o, -k, -eq, -pth, ...",
        allow_abbrev=False,
    )
    args.add_argument("network", help="as in `yolo_v4 prune`")
    args.add_argument("--retained", type=Path, required=True, help="the JSON file to write: {layer: [indices]}")
    return args


def main(argv=None):
    options, flags = parser().parse_known_args(argv)
    retained = options.retained.resolve()
    # What an earlier run left must not pass for this run's indices.
    if retained.exists():
        retained.unlink()
    try:
        pruner_class, run = run_prune(options.network, flags)
        with recording(pruner_class, retained):
            run()
        if not retained.exists():
            raise RecipeError("the pruner ended without exploring the model, so there are no indices to write")
    except RecipeError as error:
        print("prune_recorded.py: {}".format(error), file=sys.stderr)
        return 2
    layers = len(json.loads(retained.read_text(encoding="utf-8")))
    print("{}: the indices of {} layers after exploration".format(options.retained, layers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
