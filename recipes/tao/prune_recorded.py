"""Runs TAO's pruner and writes which filters it retained once its exploration was over: retained.json.

TAO logs only how many filters a layer keeps. The indices are in memory when `PruneMinWeight._explore` returns, in
`_explored_layers[name].retained_idx`; what a layer would keep by its own norms is overwritten by then where layers
are equalized. This runs the same script as `classification_tf2 prune` and takes them there. prunegate compares them
with the spec and with the pruned model (`reported`).

    python prune_recorded.py classification -e specs/prune.yaml --retained out/retained.json prune.threshold=0.68
"""

import argparse
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import tao_adapter
from recipe import RecipeError, use_keras_2

use_keras_2()

PRUNABLE = ("Conv2D", "DepthwiseConv2D", "Dense")


def retained_of(pruner, model):
    """{layer: [indices]} of every prunable layer of an explored model."""
    retained = {}
    for layer in model.layers:
        if type(layer).__name__ not in PRUNABLE:
            continue
        explored = pruner._explored_layers.get(layer.name)
        if explored is None or explored.retained_idx is None:
            raise RecipeError(
                f"the pruner explored the model, but says nothing of {layer.name}: is this another release of TAO?"
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
            f"{pruner_class.__name__} has no _explore to take the indices from: is this another release of TAO?"
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
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(indices)}" for name, indices in retained.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    os.replace(temporary, path)


def parser():
    args = argparse.ArgumentParser(description="Runs TAO's pruner and writes the indices that it retained.")
    args.add_argument("task", choices=("classification", "efficientdet"))
    args.add_argument("-e", "--spec", type=Path, required=True, help="the experiment spec")
    args.add_argument("--retained", type=Path, required=True, help="the JSON file to write: {layer: [indices]}")
    args.add_argument("overrides", nargs="*", help="as TAO takes them: prune.threshold=0.68")
    return args


def main(argv=None):
    options = parser().parse_intermixed_args(argv)
    retained = options.retained.resolve()
    # What an earlier run left must not pass for this run's indices.
    retained.unlink(missing_ok=True)
    try:
        if not options.spec.is_file():
            raise RecipeError(f"{options.spec}: there is no such file")
        with recording(tao_adapter.pruner_class(), retained):
            tao_adapter.run_prune(options.task, options.spec, options.overrides)
        if not retained.exists():
            raise RecipeError("the pruner ended without exploring the model, so there are no indices to write")
    except RecipeError as error:
        print(f"prune_recorded.py: {error}", file=sys.stderr)
        return 2
    layers = len(json.loads(retained.read_text(encoding="utf-8")))
    print(f"{options.retained}: the indices of {layers} layers after exploration")
    return 0


if __name__ == "__main__":
    sys.exit(main())
