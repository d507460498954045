"""prunegate's command line, as the user starts it."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "test" / "fixtures" / "golden" / "seed_mobilenet_v2"
SPEC = ROOT / "examples" / "mobilenet-v2" / "prune.yaml"
#: No file is kept twice: where those lie that are another's too, from GOLDEN.
SAME = json.loads((GOLDEN / "same.json").read_text(encoding="utf-8"))


def golden_file(name):
    return GOLDEN / SAME.get(name, name)


def prunegate(*args):
    run = subprocess.run(["node", str(ROOT / "dist" / "cli.cjs"), *map(str, args)], capture_output=True, text=True)
    return run.returncode, run.stdout, run.stderr


def report_of(*args):
    status, stdout, stderr = prunegate(*args, "--format", "json")
    assert stderr == "" or stdout, stderr
    return status, json.loads(stdout)
