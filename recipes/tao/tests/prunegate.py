"""prunegate's command line, as the user starts it."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "test" / "fixtures" / "golden" / "seed_mobilenet_v2"
EXAMPLE = ROOT / "examples" / "mobilenet-v2"
SPEC = EXAMPLE / "prune.yaml"


def golden_file(name):
    """A file of the golden; those that are the example's lie there alone."""
    own = GOLDEN / name
    return own if own.exists() else EXAMPLE / name


def prunegate(*args):
    run = subprocess.run(["node", str(ROOT / "dist" / "cli.cjs"), *map(str, args)], capture_output=True, text=True)
    return run.returncode, run.stdout, run.stderr


def report_of(*args):
    status, stdout, stderr = prunegate(*args, "--format", "json")
    assert stderr == "" or stdout, stderr
    return status, json.loads(stdout)
