"""Runs on the installed package. PRUNEGATE_EXAMPLE is the folder of the bundled example."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

import prunegate
from prunegate import _node

EXAMPLE = Path(os.environ["PRUNEGATE_EXAMPLE"])
DENSE = EXAMPLE / "dense.onnx"
SPEC = EXAMPLE / "prune.yaml"
KEYS = {"threshold": 0.68, "equalization_criterion": "union", "granularity": 8, "min_num_filters": 16}


class Check(unittest.TestCase):
    def test_right_and_wrong(self) -> None:
        self.assertEqual(prunegate.check(DENSE, EXAMPLE / "pruned.onnx", SPEC)["verdict"], "conforms")
        wrong = prunegate.check(DENSE, EXAMPLE / "pruned-naive.onnx", SPEC)
        self.assertEqual(wrong["verdict"], "diverges")
        first = next(layer for layer in wrong["layers"] if layer["name"] == "conv1")
        self.assertEqual((first["missing"], first["unexpected"]), ([3, 19, 22], [0, 15, 27]))

    def test_a_spec_as_a_mapping_and_flags_as_arguments(self) -> None:
        report = prunegate.check(DENSE, EXAMPLE / "pruned.onnx", KEYS, overrides=["threshold=0.9"], all=True)
        self.assertEqual(report["verdict"], "diverges")
        self.assertEqual(report["spec"]["threshold"], 0.9)

    def test_one_side_alone(self) -> None:
        expected = {layer["name"]: layer["expected"] for layer in prunegate.expect(DENSE, SPEC)["layers"]}
        actual = {layer["name"]: layer["actual"] for layer in prunegate.recover(DENSE, EXAMPLE / "pruned.onnx")["layers"]}
        self.assertEqual(expected, actual)

    def test_bad_input_is_one_line(self) -> None:
        with self.assertRaises(prunegate.InputError) as raised:
            prunegate.check(EXAMPLE / "none.onnx", EXAMPLE / "pruned.onnx", SPEC)
        self.assertTrue(str(raised.exception).startswith(f"{EXAMPLE / 'none.onnx'}: "), raised.exception)
        with self.assertRaises(prunegate.InputError):
            prunegate.check(DENSE, EXAMPLE / "pruned.onnx", {"treshold": 0.5})

    def test_without_node_it_says_what_to_install(self) -> None:
        with mock.patch("shutil.which", return_value=None), mock.patch.object(_node, "_packaged", return_value=None):
            with self.assertRaises(prunegate.NodeNotFound) as raised:
                prunegate.check(DENSE, EXAMPLE / "pruned.onnx", SPEC)
        self.assertIn("prunegate[node]", str(raised.exception))


class Command(unittest.TestCase):
    def test_the_exit_status_is_the_gate(self) -> None:
        command = [sys.executable, "-m", "prunegate", "check", "--dense", str(DENSE), "--spec", str(SPEC), "--pruned"]
        for pruned, status in (("pruned.onnx", 0), ("pruned-naive.onnx", 1)):
            done = subprocess.run([*command, str(EXAMPLE / pruned)], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, status, done.stderr)
        script = Path(sys.executable).with_name("prunegate")
        self.assertEqual(subprocess.run([script, "--help"], capture_output=True, check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
