"""export_onnx.py with TensorFlow and tf2onnx, compared with what TAO's exporter wrote; TAO itself is a stand-in."""

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import mobilenet
import onnx
from onnx import numpy_helper
from prunegate import ROOT, SPEC, golden_file, prunegate, report_of

import export_onnx


def run(*args):
    """The script's exit status, stdout and stderr, in this process: TensorFlow takes seconds to start."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = export_onnx.main([str(arg) for arg in args])
    return status, out.getvalue(), err.getvalue()


def uncounted(name):
    """tf2onnx appends a process-wide counter: X__123."""
    return re.sub(r"__\d+", "", name)


def nodes(model):
    return sorted((node.op_type, uncounted(node.name)) for node in model.graph.node)


def initializers(model):
    """Names without counters, and the bytes, which tell apart those whose name is nothing but a counter."""
    return sorted((uncounted(t.name), numpy_helper.to_array(t).tobytes()) for t in model.graph.initializer)


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.work.name)
        cls.saved_model = cls.folder / "saved_model"
        model = mobilenet.with_golden_weights()
        model.save(cls.saved_model, save_format="tf")
        model.save(cls.folder / "model.h5")
        cls.dense = cls.folder / "out" / "dense.onnx"
        cls.folded = cls.folder / "out" / "dense-folded.onnx"
        for output, flags in ((cls.dense, ()), (cls.folded, ("--folded",))):
            status, _, stderr = run(cls.saved_model, "-o", output, *flags)
            assert status == 0, stderr

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    def test_unfolded_is_the_golden_export_node_by_node_and_bit_by_bit(self):
        ours, theirs = onnx.load(str(self.dense)), mobilenet.golden("dense.onnx")
        self.assertEqual(nodes(ours), nodes(theirs))
        self.assertEqual(initializers(ours), initializers(theirs))
        self.assertEqual([value.name for value in ours.graph.input], ["input_1"])
        self.assertEqual(sum(node.op_type == "BatchNormalization" for node in ours.graph.node), 13)

    def test_folded_is_what_tao_exports_by_default(self):
        ours, theirs = onnx.load(str(self.folded)), mobilenet.golden("dense.folded.onnx")
        self.assertEqual(nodes(ours), nodes(theirs))
        self.assertEqual(initializers(ours), initializers(theirs))

    def test_prunegate_reads_the_first_as_raw_and_the_second_as_folded(self):
        # predictions has no BatchNorm: its weights are raw in both.
        for model, of_convolutions, of_model in ((self.dense, "raw", "raw"), (self.folded, "folded", "mixed")):
            _, report = report_of("expect", "--dense", model, "--spec", SPEC)
            folding = {layer["folding"] for layer in report["layers"] if layer["kind"] != "dense"}
            self.assertEqual((folding, report["inputs"]["dense"]["folding"]), ({of_convolutions}, of_model))

    def test_the_model_that_tao_pruned_conforms_against_our_export(self):
        for pruned in ("pruned.onnx", "pruned.folded.onnx"):
            status, report = report_of("check", "--dense", self.dense, "--pruned", golden_file(pruned), "--spec", SPEC)
            self.assertEqual((status, report["verdict"]), (0, "conforms"), pruned)

    def test_a_folded_dense_export_is_unverifiable_as_it_should_be(self):
        pruned = golden_file("pruned.folded.onnx")
        status, _, _ = prunegate("check", "--dense", self.folded, "--pruned", pruned, "--spec", SPEC)
        self.assertEqual(status, 3)

    def test_a_keras_file_exports_like_its_saved_model(self):
        output = self.folder / "from-h5.onnx"
        self.assertEqual(run(self.folder / "model.h5", "-o", output)[0], 0)
        self.assertEqual(nodes(onnx.load(str(output))), nodes(onnx.load(str(self.dense))))
        self.assertEqual(initializers(onnx.load(str(output))), initializers(onnx.load(str(self.dense))))

    def test_a_tlt_goes_through_tao_with_its_key(self):
        # A stand-in for nvidia_tao_tf2, which is in NVIDIA's container only: decode_eff hands out our SavedModel.
        package = self.folder / "stand_in"
        helper = package / "nvidia_tao_tf2" / "cv" / "classification" / "utils" / "helper.py"
        helper.parent.mkdir(parents=True)
        helper.write_text(
            "def decode_eff(path, key=None):\n"
            "    assert (path.endswith('model.tlt'), key) == (True, 'secret'), (path, key)\n"
            f"    return {str(self.saved_model)!r}\n"
        )
        tlt = self.folder / "model.tlt"
        tlt.touch()
        output = self.folder / "from-tlt.onnx"
        script = ROOT / "recipes" / "tao" / "export_onnx.py"
        done = subprocess.run(
            [sys.executable, script, tlt, "-o", output],
            env={**os.environ, "PYTHONPATH": str(package), "TAO_ENCRYPTION_KEY": "secret"},
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(initializers(onnx.load(str(output))), initializers(onnx.load(str(self.dense))))

    def test_mistakes_are_one_line_and_leave_no_file(self):
        (self.folder / "model.txt").touch()
        (self.folder / "alone.tlt").touch()
        output = self.folder / "never.onnx"
        for model, message in (
            ("gone.h5", "there is no such file"),
            ("model.txt", "must be a SavedModel folder, a .tlt"),
            ("alone.tlt", "inside the TAO container only"),
        ):
            output.write_text("of an earlier run")
            status, stdout, stderr = run(self.folder / model, "-o", output)
            self.assertEqual((status, stdout, stderr.count("\n")), (2, "", 1))
            self.assertIn(message, stderr)
            self.assertFalse(output.exists())

    def test_refuses_a_tf2onnx_whose_folding_it_does_not_know(self):
        from tf2onnx import optimizer

        folding = optimizer._optimizers.pop(export_onnx.FOLDING_OPTIMIZER)
        try:
            self.assertIn("no optimizer remove_back_to_back", run(self.saved_model, "-o", self.folder / "x.onnx")[2])
        finally:
            optimizer._optimizers[export_onnx.FOLDING_OPTIMIZER] = folding


if __name__ == "__main__":
    unittest.main()
