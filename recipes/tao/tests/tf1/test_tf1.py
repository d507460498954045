"""The recipes for TAO's TensorFlow 1 networks on Keras 2.2.4, TensorFlow 1.15 and keras2onnx 1.7 themselves.

TAO is in NVIDIA's container only: its pruner is a stand-in of the same module names and attributes.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

import numpy as np

RECIPES = Path(__file__).resolve().parents[2] / "tf1"
ROOT = RECIPES.parents[2]
sys.path.insert(0, str(RECIPES))

import export_onnx  # noqa: E402


def build(data_format):
    """Convolutions with and without a bias, with BatchNorm behind them, a depthwise one, a sum and a dense layer."""
    from keras import layers, models

    axis = 1 if data_format == "channels_first" else -1
    shape = (3, 16, 16) if axis == 1 else (16, 16, 3)
    conv = {"padding": "same", "data_format": data_format}
    image = layers.Input(shape, name="input_1")
    x = layers.Conv2D(24, 3, use_bias=False, name="plain", **conv)(image)
    x = layers.BatchNormalization(axis=axis, name="bn_plain")(x)
    x = layers.ReLU(name="relu")(x)
    y = layers.Conv2D(24, 3, name="biased", **conv)(x)
    y = layers.BatchNormalization(axis=axis, name="bn_biased")(y)
    x = layers.Add(name="add")([x, y])
    x = layers.GlobalAveragePooling2D(data_format=data_format, name="gap")(x)
    model = models.Model(image, layers.Dense(7, activation="softmax", name="predictions")(x), name="small")
    random = np.random.RandomState(0)
    model.set_weights([random.uniform(0.1, 1, weight.shape).astype("float32") for weight in model.get_weights()])
    return model


class TestExport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="prunegate-tf1-"))
        import keras

        for data_format in ("channels_first", "channels_last"):
            keras.backend.clear_session()
            model = build(data_format)
            model.save(str(cls.folder / (data_format + ".hdf5")))
            cls.kernels = {layer.name: layer.get_weights()[0] for layer in model.layers if layer.name in ("plain", "biased")}

    def export(self, data_format, *flags):
        import onnx
        from onnx import numpy_helper

        output = self.folder / "-".join((data_format, "export") + flags).replace("--", "")
        output = output.with_suffix(".onnx")
        run = subprocess.run(
            [sys.executable, str(RECIPES / "export_onnx.py"), str(self.folder / (data_format + ".hdf5")), "-o", str(output)]
            + list(flags),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        self.assertEqual(run.returncode, 0, run.stdout)
        model = onnx.load(str(output))
        return output, model, {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}

    def assert_raw(self, tensors):
        for name, kernel in self.kernels.items():
            stored = [tensor for key, tensor in tensors.items() if re.match(name + r"(_\d+)?/kernel:0$", key)]
            self.assertEqual(len(stored), 1, sorted(tensors))
            np.testing.assert_array_equal(stored[0], np.transpose(kernel, (3, 2, 0, 1)))

    def test_keras2onnx_keeps_the_kernels(self):
        for data_format in ("channels_first", "channels_last"):
            _, _, tensors = self.export(data_format)
            self.assert_raw(tensors)

    def test_keras2onnx_folds_when_it_is_asked_to(self):
        _, _, tensors = self.export("channels_first", "--folded")
        self.assertTrue(any(name.endswith("_W_new") for name in tensors), sorted(tensors))

    def test_tf2onnx_keeps_the_kernels_too(self):
        for data_format in ("channels_first", "channels_last"):
            _, _, tensors = self.export(data_format, "--route", "tf2onnx")
            self.assert_raw(tensors)

    def test_prunegate_takes_them_for_what_the_pruner_saw(self):
        spec = self.folder / "spec.json"
        prune = {"threshold": 0.5, "min_num_filters": 8}
        spec.write_text(json.dumps({"dialect": "tao-tf1", "network": "classification_tf1", "prune": prune}))
        for flags in ((), ("--route", "tf2onnx")):
            for data_format in ("channels_first", "channels_last"):
                output, _, _ = self.export(data_format, *flags)
                run = subprocess.run(
                    ["node", str(ROOT / "dist/cli.cjs"), "expect", "--dense", str(output), "--spec", str(spec), "--format", "json"],
                    stdout=subprocess.PIPE,
                )
                self.assertEqual(run.returncode, 0, (flags, data_format))
                folding = {layer["name"]: layer["folding"] for layer in json.loads(run.stdout.decode())["layers"]}
                self.assertEqual(folding, {"plain": "raw", "biased": "raw", "predictions": "raw"})

    def test_what_is_no_model_is_one_line(self):
        run = subprocess.run(
            [sys.executable, str(RECIPES / "export_onnx.py"), "gone.hdf5", "-o", str(self.folder / "x.onnx")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        self.assertEqual(run.returncode, 2)
        self.assertEqual(run.stderr.splitlines()[-1], "export_onnx.py: gone.hdf5: there is no such file")


PRUNING = """
    class Explored(object):
        def __init__(self, retained_idx):
            self.retained_idx = retained_idx


    class PruneMinWeight(object):
        def __init__(self):
            self._explored_layers = {}

        def _explore(self, model):
            for layer in model.layers:
                self._explored_layers[layer.name] = Explored(range(3) if layer.name == "b" else [4, 1])
            return model
"""

SCRIPT = """
    from nvidia_tao_tf1.core.pruning.pruning import PruneMinWeight


    def layer(kind, name):
        made = type(kind, (), {})()
        made.name = name
        return made


    def main(args=None):
        print(args)
        model = type("Model", (), {})()
        model.layers = [layer("InputLayer", "i"), layer("Conv2D", "a"), layer("Dense", "b")]
        PruneMinWeight()._explore(model)
        raise ValueError("while it rebuilds")
"""


class TestRecorder(unittest.TestCase):
    def record(self, files):
        folder = Path(tempfile.mkdtemp(prefix="prunegate-tf1-"))
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            for package in [path.parent] + list(path.parent.parents)[: len(Path(name).parents) - 2]:
                (package / "__init__.py").write_text("")
            path.write_text(textwrap.dedent(text))
        run = subprocess.run(
            [sys.executable, str(RECIPES / "prune_recorded.py"), "classification_tf1", "--retained", str(folder / "r.json")]
            + ["-m", "m.hdf5", "-pth", "0.1", "-el", "a", "b"],
            env=dict(os.environ, PYTHONPATH=str(folder)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        return folder / "r.json", run

    def test_writes_the_indices_even_where_rebuilding_fails(self):
        files = {
            "nvidia_tao_tf1/core/pruning/pruning.py": PRUNING,
            "nvidia_tao_tf1/cv/makenet/scripts/prune.py": SCRIPT,
        }
        retained, run = self.record(files)
        self.assertIn("['-m', 'm.hdf5', '-pth', '0.1', '-el', 'a', 'b']", run.stdout)
        self.assertIn("while it rebuilds", run.stderr)
        self.assertEqual(json.loads(retained.read_text()), {"a": [1, 4], "b": [0, 1, 2]})

    def test_says_where_tao_is_missing(self):
        retained, run = self.record({})
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertTrue(run.stderr.startswith("prune_recorded.py: TAO's pruner is not there"), run.stderr)
        self.assertFalse(retained.exists())


if __name__ == "__main__":
    unittest.main()
