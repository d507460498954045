"""The commands as functions that give the report."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Union

from ._node import PROGRAM, find_node
from ._report import Report

PathLike = Union[str, "os.PathLike[str]"]
#: A path, or the keys themselves.
Spec = Union[str, "os.PathLike[str]", Mapping[str, Any]]
#: The value of a flag: ``execute=True`` is ``--execute``, ``execute=False`` is ``--no-execute``, a list repeats it.
Option = Union[str, int, float, bool, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]], None]

#: Exit statuses behind which there is a report: conforms, diverges, unverifiable.
REPORTED = (0, 1, 3)
BAD_INPUT = 2


class InputError(ValueError):
    """Bad usage, config or input: one line that names file, key and value."""


def check(dense: PathLike, pruned: PathLike, spec: Spec, **options: Option) -> Report:
    """Whether ``pruned`` retained the filters that ``spec`` asks for.

    :param dense: the trained model, exported to ONNX without BatchNorm folding
    :param pruned: the pruned model (ONNX), folded or not
    :param spec: path of the pruning spec (YAML or JSON), or its keys as a mapping
    :param options: flags of ``prunegate check`` with ``_`` for ``-``, as ``execute=True``, ``tolerance=0.01``
    :raises InputError: bad usage, config or input
    :raises NodeNotFound: where there is no Node.js that runs it
    """
    return _run("check", {"dense": dense, "pruned": pruned, **options}, spec)


def expect(dense: PathLike, spec: Spec, **options: Option) -> Report:
    """Which filters of ``dense`` should be retained: ``exploring`` and ``expected`` of each layer."""
    return _run("expect", {"dense": dense, **options}, spec)


def recover(dense: PathLike, pruned: PathLike, **options: Option) -> Report:
    """Which filters of ``dense`` the pruned model retains: ``actual`` of each layer."""
    return _run("recover", {"dense": dense, "pruned": pruned, **options}, None)


def _run(command: str, options: Mapping[str, Option], spec: Spec | None) -> Report:
    with tempfile.TemporaryDirectory(prefix="prunegate-") as folder:
        flags = [flag for name, value in options.items() for flag in _flag(name, value)]
        if isinstance(spec, Mapping):
            written = Path(folder) / "spec.json"
            written.write_text(json.dumps(spec), encoding="utf-8")
            flags += ["--spec", str(written)]
        elif spec is not None:
            flags += ["--spec", os.fspath(spec)]
        done = subprocess.run(
            [find_node(), str(PROGRAM), command, "--format", "json", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    if done.returncode == BAD_INPUT:
        raise InputError(done.stderr.strip().removeprefix("prunegate: "))
    if done.returncode not in REPORTED:
        raise RuntimeError(f"prunegate {command} ended with exit status {done.returncode}: {done.stderr.strip()}")
    report: Report = json.loads(done.stdout)
    return report


def _flag(name: str, value: Option) -> list[str]:
    flag = name.replace("_", "-")
    if value is None:
        return []
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    # With '=', a value that begins with a dash is none of the flags.
    return [f"--{flag}={one if isinstance(one, (int, float)) else os.fspath(one)}" for one in values]
