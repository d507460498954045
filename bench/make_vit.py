"""Makes a ViT-B/16 with random weights, and as Torch-Pruning leaves it, for the benchmark: vit.dense.onnx, vit.pruned.onnx and vit.yaml.

Half of what lies between the two layers of each MLP goes. Needs torch, torchvision and torch-pruning: recipes/torch/prune.py does the pruning.
"""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCKS = [f"encoder.layers.encoder_layer_{k}" for k in range(12)]
IGNORED = ["conv_proj", "heads.head", *(f"{block}.{part}" for block in BLOCKS for part in ("mlp.3", "self_attention"))]


def vit():
    import torch
    from torchvision.models import vit_b_16

    torch.manual_seed(0)
    return vit_b_16(weights=None).eval()


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for name, ratio in (("vit", 0.5), ("vit-other", 0.37)):
        prune = {"importance": {"type": "MagnitudeImportance", "p": 2}, "pruning_ratio": ratio, "ignored_layers": IGNORED}
        with open(os.path.join(folder, f"{name}.yaml"), "w") as file:
            json.dump({"dialect": "torch-pruning", "prune": prune}, file, indent=2)
    out = os.path.join(folder, "vit")
    recipe = os.path.join(HERE, "..", "recipes", "torch", "prune.py")
    arguments = ["--model", "make_vit:vit", "--spec", os.path.join(folder, "vit.yaml"), "--out", out]
    subprocess.run([sys.executable, recipe, *arguments], check=True, cwd=HERE)
    for part in ("dense", "pruned"):
        os.replace(os.path.join(out, f"{part}.onnx"), os.path.join(folder, f"vit.{part}.onnx"))
    shutil.rmtree(out)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(HERE, "models"))
