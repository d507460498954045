"""prune_recorded.py, with a stand-in for TAO, which is in NVIDIA's container only.

The stand-in is a package of the same module names, whose pruner has the attributes that the recipe relies on. What the
real pruner computes is in the golden files; the stand-in hands those indices out.
"""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

from prunegate import GOLDEN, ROOT, SPEC, golden_file, report_of

import prune_recorded

LAYERS = json.loads((GOLDEN / "golden.json").read_text())["layers"]

PRUNING = """
class PrunedLayer:
    def __init__(self, retained_idx):
        self.retained_idx = retained_idx


class PruneMinWeight:
    def __init__(self, exploring, retained):
        self._explored_layers = {}
        self._exploring = exploring
        self._retained = retained

    def _explore(self, model):
        # By its own norms first; a coupled layer overwrites that before exploration is over.
        for layer in model.layers:
            self._explored_layers[layer.name] = PrunedLayer(self._exploring.get(layer.name))
        for name, indices in self._retained.items():
            self._explored_layers[name].retained_idx = indices
        return model

    def prune(self, model):
        model = self._explore(model)
        # The rebuild walks on and overwrites what pass-through layers retain.
        for layer in self._explored_layers.values():
            layer.retained_idx = [0]
        return model
"""

SCRIPT = """
import json
import sys
from types import SimpleNamespace

import numpy as np
from nvidia_tao_tf2.model_optimization.pruning.pruning import PruneMinWeight


SIDES = ("exploring", "retained")


def layer(kind, name):
    return type(kind, (), {"name": name})()


def kind_of(name):
    return "Dense" if name == "predictions" else "DepthwiseConv2D" if name.endswith("depthwise") else "Conv2D"


def indices(name, listed):
    # The real pruner holds numpy arrays, and a range where a layer is excluded.
    return range(len(listed)) if name == "predictions" else np.array(listed)


def main():
    _, config_path, folder, config_name, name, *overrides = sys.argv
    print(json.dumps({"argv": sys.argv[1:]}))
    golden = json.load(open(GOLDEN))["layers"]
    layers = [layer("InputLayer", "input_1"), layer("BatchNormalization", "bn_conv1")]
    layers += [layer(kind_of(name), name) for name in golden]
    if "explore=never" in overrides:
        return
    exploring, retained = ({name: indices(name, golden[name][side]) for name in golden} for side in SIDES)
    if "explore=partly" in overrides:
        retained["conv1"] = None
    PruneMinWeight(exploring, retained).prune(SimpleNamespace(layers=layers))
    if "rebuild=fails" in overrides:
        raise ValueError("Inputs have incompatible shapes")
"""


class Recorded(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.folder = Path(work.name).resolve()
        pruning = self.folder / "stand_in/nvidia_tao_tf2/model_optimization/pruning/pruning.py"
        script = self.folder / "stand_in/nvidia_tao_tf2/cv/classification/scripts/prune.py"
        for path, text in ((pruning, PRUNING), (script, f"GOLDEN = {str(GOLDEN / 'golden.json')!r}\n{SCRIPT}")):
            path.parent.mkdir(parents=True)
            path.write_text(textwrap.dedent(text))
        self.spec = self.folder / "specs" / "prune.yaml"
        self.spec.parent.mkdir()
        self.spec.write_text("prune:\n  threshold: 0.68\n")
        self.retained = self.folder / "out" / "retained.json"

    def run_recipe(self, *args, stand_in=True):
        return subprocess.run(
            [sys.executable, ROOT / "recipes/tao/prune_recorded.py", *map(str, args)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder / "stand_in") if stand_in else ""},
            capture_output=True,
            text=True,
        )

    def prune(self, *overrides, spec="specs/prune.yaml"):
        return self.run_recipe("classification", "-e", spec, "--retained", "out/retained.json", *overrides)

    def test_writes_what_each_layer_retains_after_exploration(self):
        done = self.prune()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            json.loads(self.retained.read_text()), {name: layer["retained"] for name, layer in LAYERS.items()}
        )
        self.assertIn("the indices of 14 layers after exploration", done.stdout)
        self.assertEqual(list(self.retained.parent.iterdir()), [self.retained])

    def test_prunegate_takes_it_as_what_the_pruner_reported(self):
        self.prune()
        check = ("check", "--dense", golden_file("dense.onnx"), "--pruned", golden_file("pruned.onnx"))
        check += ("--spec", SPEC, "--reported", self.retained)
        status, report = report_of(*check)
        self.assertEqual((status, report["verdict"]), (0, "conforms"))
        self.assertEqual(
            [layer["reported"] for layer in report["layers"]], [layer["actual"] for layer in report["layers"]]
        )

        exploring = {name: layer["exploring"] for name, layer in LAYERS.items()}
        self.retained.write_text(json.dumps(exploring))
        status, report = report_of(*check)
        self.assertEqual((status, report["verdict"]), (1, "diverges"))

    def test_starts_the_script_of_tao_as_its_entry_point_does_with_a_path_that_hydra_understands(self):
        argv = json.loads(self.prune("prune.threshold=0.68", "results_dir=/results").stdout.splitlines()[0])["argv"]
        self.assertEqual(
            argv,
            [
                "--config-path",
                str(self.spec.parent),
                "--config-name",
                "prune.yaml",
                "prune.threshold=0.68",
                "results_dir=/results",
            ],
        )

    def test_a_rebuild_that_fails_fails_and_leaves_the_indices_to_look_at(self):
        done = self.prune("rebuild=fails")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Inputs have incompatible shapes", done.stderr)
        self.assertEqual(json.loads(self.retained.read_text())["conv1"], LAYERS["conv1"]["retained"])

    def test_never_leaves_the_indices_of_an_earlier_run(self):
        for mistake, message in (
            ("explore=never", "ended without exploring"),
            ("explore=partly", "says nothing of conv1"),
        ):
            self.retained.parent.mkdir(exist_ok=True)
            self.retained.write_text("{}")
            done = self.prune(mistake)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(message, done.stderr)
            self.assertFalse(self.retained.exists())

    def test_mistakes_are_one_line(self):
        done = self.prune(spec="specs/gone.yaml")
        self.assertEqual(
            (done.returncode, done.stderr), (2, "prune_recorded.py: specs/gone.yaml: there is no such file\n")
        )
        done = self.run_recipe("classification", "-e", self.spec, "--retained", self.retained, stand_in=False)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        self.assertIn("run this inside the TAO container", done.stderr)

    def test_refuses_a_pruner_without_exploration(self):
        with self.assertRaisesRegex(prune_recorded.RecipeError, "has no _explore"):
            with prune_recorded.recording(type("PruneMinWeight", (), {}), self.retained):
                pass

    def test_puts_the_pruner_back_as_it_was(self):
        pruner = type("PruneMinWeight", (), {"_explore": lambda self, model: model})
        explore = pruner._explore
        with prune_recorded.recording(pruner, self.retained):
            self.assertIsNot(pruner._explore, explore)
        self.assertIs(pruner._explore, explore)


if __name__ == "__main__":
    unittest.main()
