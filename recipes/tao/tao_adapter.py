"""Everything of these recipes that needs TAO itself (nvidia_tao_tf2 6.0.0), so that the rest runs without it.

It imports TAO only when it is called. Where TAO's code is relied on, its file is named.
"""

import importlib
import sys
from pathlib import Path

from recipe import RecipeError

# What `classification_tf2 prune` and `efficientdet_tf2 prune` start (common/entrypoint/entrypoint.py, launch).
PRUNE_SCRIPTS = {
    "classification": "nvidia_tao_tf2.cv.classification.scripts.prune",
    "efficientdet": "nvidia_tao_tf2.cv.efficientdet.scripts.prune",
}


def pruner_class():
    """The class that explores and prunes (model_optimization/pruning/pruning.py)."""
    try:
        module = importlib.import_module("nvidia_tao_tf2.model_optimization.pruning.pruning")
    except ModuleNotFoundError as error:
        raise RecipeError(f"TAO's pruner is not there ({error}): run this inside the TAO container") from error
    return module.PruneMinWeight


def run_prune(task, spec, overrides):
    """Runs TAO's own prune script in this process, with the arguments that TAO's entry point gives it."""
    module = importlib.import_module(PRUNE_SCRIPTS[task])
    before = sys.argv
    # Hydra takes a relative --config-path from the script's folder, not from the working folder.
    sys.argv = [module.__file__, "--config-path", str(spec.resolve().parent), "--config-name", spec.name, *overrides]
    try:
        module.main()
    finally:
        sys.argv = before


def load(checkpoint, key, task, spec):
    """The model in a .tlt: the Path of a SavedModel folder, which is a temporary one, or a Keras model."""
    try:
        return _classification(checkpoint, key) if task == "classification" else _efficientdet(checkpoint, key, spec)
    except ModuleNotFoundError as error:
        raise RecipeError(f"{checkpoint}: a .tlt is read inside the TAO container only ({error})") from error


def _classification(checkpoint, key):
    """A classification .tlt holds a SavedModel (cv/classification/scripts/prune.py)."""
    from nvidia_tao_tf2.cv.classification.utils.helper import decode_eff

    return Path(decode_eff(str(checkpoint), key))


def _efficientdet(checkpoint, key, spec):
    """An efficientdet .tlt holds a graph as JSON and a checkpoint (cv/efficientdet/utils/helper.py, load_model)."""
    from nvidia_tao_tf2.cv.efficientdet.utils.helper import load_model
    from omegaconf import OmegaConf

    if spec is None:
        raise RecipeError(f"{checkpoint}: give its experiment spec with --spec")
    config = OmegaConf.merge(OmegaConf.structured(_experiment_config()), OmegaConf.load(spec))
    if key is not None:
        config.encryption_key = key
    return load_model(str(checkpoint), config, mode="export")


def _experiment_config():
    """The schema and the defaults of an efficientdet spec, which moved between TAO 5.5 and 6.0."""
    try:
        from nvidia_tao_core.config.efficientdet_tf2.default_config import ExperimentConfig
    except ModuleNotFoundError:
        from nvidia_tao_tf2.cv.efficientdet.config.default_config import ExperimentConfig
    return ExperimentConfig
