"""Exports a trained model to ONNX the way NVIDIA TAO does, without folding BatchNorm into the convolutions.

prunegate recomputes the pruner's norms from the weights that the pruner saw. tf2onnx's optimizer
`remove_back_to_back` replaces a convolution followed by BatchNorm by one convolution with other weights, so it
is left out here. Everything else is TAO's own export (classification_exporter.py, release 6.0.0): SavedModel,
opset 13, its list of optimizers, first input named input_1.

    python export_onnx.py model.tlt  -o out/dense.onnx --key nvidia_tlt
    python export_onnx.py model.h5   -o out/dense.onnx
    python export_onnx.py saved_model/ -o out/dense-folded.onnx --folded
"""

import argparse
import os
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path

import tao_adapter
from recipe import RecipeError, use_keras_2

use_keras_2()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

FOLDING_OPTIMIZER = "remove_back_to_back"
# TAO leaves quantize and dequantize nodes to TensorRT.
LEFT_TO_TENSORRT = ("q_dq_optimizer", "const_dequantize_optimizer")
KERAS_FILES = (".h5", ".hdf5", ".keras")


def optimizers(folded):
    """tf2onnx's optimizers as TAO picks them, with or without the one that folds BatchNorm."""
    from tf2onnx import optimizer

    known = optimizer._get_optimizers()
    if FOLDING_OPTIMIZER not in known:
        raise RecipeError(
            f"this tf2onnx has no optimizer {FOLDING_OPTIMIZER}, so what folds BatchNorm in it is not known; "
            "use tf2onnx 1.16"
        )
    left_out = LEFT_TO_TENSORRT if folded else (*LEFT_TO_TENSORRT, FOLDING_OPTIMIZER)
    return OrderedDict((name, factory) for name, factory in known.items() if name not in left_out)


def convert(saved_model, folded=False, opset=13):
    """The ONNX model of a SavedModel folder."""
    import tensorflow as tf
    from tf2onnx import optimizer, tf_loader, tfonnx

    graph_def, inputs, outputs = tf_loader.from_saved_model(str(saved_model), None, None, "serve", ["serving_default"])
    with tf.Graph().as_default() as tf_graph:
        tf.import_graph_def(graph_def, name="")
    with tf_loader.tf_session(graph=tf_graph):
        graph = tfonnx.process_tf_graph(tf_graph, opset=opset, input_names=inputs, output_names=outputs)
    model = optimizer.optimize_graph(graph, catch_errors=False, optimizers=optimizers(folded)).make_model(
        "exported by prunegate's recipe for TAO"
    )
    rename_input(model.graph, model.graph.input[0].name, "input_1")
    fused = [tensor.name for tensor in model.graph.initializer if tensor.name.endswith("_fused_bn")]
    if fused and not folded:
        raise RecipeError(f"tf2onnx folded BatchNorm although it was told not to: {fused[0]}")
    return model


def rename_input(graph, old, new):
    """TAO calls the first input input_1, whatever the signature calls it."""
    if any(value.name == new for value in graph.input[1:]):
        return
    graph.input[0].name = new
    for node in graph.node:
        for k, name in enumerate(node.input):
            if name == old:
                node.input[k] = new


def saved_model_of(model, scratch, key=None, task="classification", spec=None):
    """A SavedModel folder of the model: itself, or written under `scratch`."""
    if model.is_dir():
        return model
    if not model.exists():
        raise RecipeError(f"{model}: there is no such file")
    if model.suffix == ".tlt":
        loaded = tao_adapter.load(model, key=key, task=task, spec=spec)
        return loaded if isinstance(loaded, Path) else save(loaded, scratch)
    if model.suffix in KERAS_FILES:
        from tensorflow import keras

        return save(keras.models.load_model(model, compile=False), scratch)
    raise RecipeError(f"{model}: must be a SavedModel folder, a .tlt, or one of {', '.join(KERAS_FILES)}")


def save(keras_model, scratch):
    folder = Path(scratch) / "saved_model"
    keras_model.save(folder, save_format="tf", include_optimizer=False)
    return folder


def write(model, output):
    """Under a temporary name first, so that nobody takes half a file for an export."""
    import onnx

    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f"{output.name}.{os.getpid()}.tmp")
    try:
        onnx.save(model, str(temporary))
        os.replace(temporary, output)
    finally:
        temporary.unlink(missing_ok=True)


def parser():
    args = argparse.ArgumentParser(
        description="Exports a trained model to ONNX without folding BatchNorm into the convolutions."
    )
    args.add_argument(
        "model", type=Path, help="a .tlt of TAO, a SavedModel folder, or a Keras .h5, .hdf5 or .keras file"
    )
    args.add_argument("-o", "--output", type=Path, required=True, help="the ONNX file to write")
    args.add_argument("--folded", action="store_true", help="fold BatchNorm as TAO's exporter does by default")
    args.add_argument("--opset", type=int, default=13, help="default: 13, as TAO")
    tao = args.add_argument_group("for a .tlt")
    tao.add_argument("--task", choices=("classification", "efficientdet"), default="classification")
    tao.add_argument("--key", default=os.environ.get("TAO_ENCRYPTION_KEY"), help="default: $TAO_ENCRYPTION_KEY")
    tao.add_argument("-e", "--spec", type=Path, help="the experiment spec; efficientdet needs it to load its model")
    return args


def main(argv=None):
    options = parser().parse_args(argv)
    # What an earlier run left must not pass for this run's export.
    options.output.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="prunegate-export-") as scratch:
        # What TAO unpacks, the decrypted model among it, goes there too.
        tempfile.tempdir = scratch
        try:
            folder = saved_model_of(options.model, scratch, key=options.key, task=options.task, spec=options.spec)
            model = convert(folder, folded=options.folded, opset=options.opset)
        except RecipeError as error:
            print(f"export_onnx.py: {error}", file=sys.stderr)
            return 2
        finally:
            tempfile.tempdir = None
    write(model, options.output)
    state = "folded" if options.folded else "without folding"
    print(f"{options.output}: {len(model.graph.node)} nodes, exported {state}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
