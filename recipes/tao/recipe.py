"""What both recipes share."""

import importlib.util
import os


class RecipeError(Exception):
    """What the user can mend: one line, exit status 2."""


def use_keras_2():
    """Call before TensorFlow is imported: TAO's models are Keras 2, which newer containers hold as tf_keras."""
    if importlib.util.find_spec("tf_keras") is not None:
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
