"""The command ``prunegate``, and ``python -m prunegate``."""

from __future__ import annotations

import os
import subprocess
import sys

from ._node import PROGRAM, NodeNotFound, find_node


def main() -> int:
    """Runs the program with this process's arguments, streams and signals; gives its exit status."""
    try:
        node = find_node()
    except NodeNotFound as error:
        print(f"prunegate: {error}", file=sys.stderr)
        return 2
    command = [node, str(PROGRAM), *sys.argv[1:]]
    if os.name != "nt":
        # In place of this process, so that signals and terminals reach the program itself.
        os.execv(node, command)
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
