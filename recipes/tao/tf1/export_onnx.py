"""Exports a model of TAO's TensorFlow 1 networks to ONNX as TAO does, without folding BatchNorm into the convolutions.

prunegate recomputes the pruner's norms from the weights that the pruner saw. keras2onnx's optimizer and, in a model
whose channels come last, tf2onnx's multiply them by BatchNorm's factors; both are told to leave that here. Everything
else is TAO's own export (nvidia_tao_tf1/core/export/_onnx.py, release 5.0.0).

    python export_onnx.py model.hdf5 -o out/dense.onnx
    python export_onnx.py model.tlt  -o out/dense.onnx --key nvidia_tlt
    python export_onnx.py model.hdf5 -o out/dense.onnx --route tf2onnx --opset 11
    python export_onnx.py model.hdf5 -o out/dense-folded.onnx --folded
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

KERAS_FILES = (".hdf5", ".h5")


class RecipeError(Exception):
    """What the user can mend: one line, exit status 2."""


def load(model, key):
    """The Keras model in a file. A .tlt, and layers of TAO's own, take TAO's container."""
    import keras

    if not model.exists():
        raise RecipeError("{}: there is no such file".format(model))
    if model.suffix not in KERAS_FILES + (".tlt",):
        raise RecipeError("{}: must be a .tlt, .hdf5 or .h5".format(model))
    # Dropout and BatchNorm as they are when the model runs.
    keras.backend.set_learning_phase(0)
    try:
        from nvidia_tao_tf1.cv.common.utils import model_io
    except ImportError as error:
        if model.suffix == ".tlt":
            raise RecipeError("{}: a .tlt is read inside the TAO container only ({})".format(model, error))
        return keras.models.load_model(str(model), compile=False)
    return model_io(str(model), key)


def convert_keras2onnx(model, folded, opset):
    """The route that TAO takes for most networks (keras2onnx 1.7)."""
    import keras2onnx
    from onnxconverter_common import optimizer

    folding = getattr(optimizer, "ConvBatchNormOptimizer", None)
    if not callable(getattr(folding, "find", None)):
        raise RecipeError(
            "this onnxconverter_common has no ConvBatchNormOptimizer, so what folds BatchNorm in it is not known; use 1.13"
        )
    find = folding.find
    if not folded:
        folding.find = staticmethod(lambda node: None)
    try:
        return keras2onnx.convert_keras(model, model.name, target_opset=opset)
    finally:
        folding.find = staticmethod(find)


def convert_tf2onnx(model, folded, opset):
    """--onnx_route tf2onnx of TAO's exporters, which is unet's default (tf2onnx 1.9)."""
    import keras
    import tensorflow as tf
    from tf2onnx import optimizer, tf_loader, tfonnx
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

    inputs = [tensor.name for tensor in model.inputs]
    outputs = [tensor.name for tensor in model.outputs]
    session = keras.backend.get_session()
    outputs_of = [name.split(":")[0] for name in outputs]
    variables = tf.compat.v1.graph_util.convert_variables_to_constants(session, session.graph.as_graph_def(), outputs_of)
    with tf.Graph().as_default() as tf_graph:
        tf.import_graph_def(tf.compat.v1.graph_util.remove_training_nodes(variables, outputs_of), name="")
    with tf_loader.tf_session(graph=tf_graph):
        graph = tfonnx.process_tf_graph(
            tf_graph, opset=opset or 11, input_names=inputs, output_names=outputs, continue_on_error=True
        )
    folding = TransposeOptimizer._mul_handler
    if not folded:
        # It multiplies a constant behind a convolution into the kernel, which keeps its name.
        TransposeOptimizer._mul_handler = without_folding(folding)
        optimizer._optimizers.pop("remove_back_to_back", None)
    try:
        return optimizer.optimize_graph(graph).make_model("exported by prunegate's recipe for TAO")
    finally:
        TransposeOptimizer._mul_handler = folding


def without_folding(handler):
    """tf2onnx's handler of a Mul behind a Transpose, but for constants: those would go into the convolution before."""

    def handle(self, trans, node):
        if any(source is not None and source.is_const() for source in node.inputs):
            return False
        return handler(self, trans, node)

    return handle


ROUTES = {"keras2onnx": convert_keras2onnx, "tf2onnx": convert_tf2onnx}


def require_unfolded(model):
    names = [tensor.name for tensor in model.graph.initializer]
    fused = [name for name in names if name.endswith(("_W_new", "_weights_fused_bn"))]
    # A convolution whose bias is BatchNorm's shift has its factor in the kernel.
    shifts = [node.input[2] for node in model.graph.node if node.op_type == "Conv" and len(node.input) > 2]
    fused += [name for name in shifts if "/batchnorm/" in name]
    if fused:
        raise RecipeError("the exporter folded BatchNorm although it was told not to: {}".format(fused[0]))


def write(model, output):
    """Under a temporary name first, so that nobody takes half a file for an export."""
    import onnx

    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name("{}.{}.tmp".format(output.name, os.getpid()))
    try:
        onnx.save(model, str(temporary))
        os.replace(str(temporary), str(output))
    finally:
        if temporary.exists():
            temporary.unlink()


def parser():
    args = argparse.ArgumentParser(
        description="Exports a model of TAO's TensorFlow 1 networks to ONNX without folding BatchNorm."
    )
    args.add_argument("model", type=Path, help="a .tlt of TAO, or a Keras 2.2.4 .hdf5 or .h5 file")
    args.add_argument("-o", "--output", type=Path, required=True, help="the ONNX file to write")
    args.add_argument("--route", choices=sorted(ROUTES), default="keras2onnx", help="as --onnx_route of TAO's exporters")
    args.add_argument("--folded", action="store_true", help="fold BatchNorm as TAO's exporter does by default")
    args.add_argument("--opset", type=int, help="default: that of the route")
    args.add_argument("--key", default=os.environ.get("TAO_ENCRYPTION_KEY"), help="of a .tlt; default: $TAO_ENCRYPTION_KEY")
    return args


def main(argv=None):
    options = parser().parse_args(argv)
    # What an earlier run left must not pass for this run's export.
    if options.output.exists():
        options.output.unlink()
    try:
        model = ROUTES[options.route](load(options.model, options.key), options.folded, options.opset)
        if not options.folded:
            require_unfolded(model)
    except RecipeError as error:
        print("export_onnx.py: {}".format(error), file=sys.stderr)
        return 2
    write(model, options.output)
    state = "folded" if options.folded else "without folding"
    print("{}: {} nodes, exported {} by {}".format(options.output, len(model.graph.node), state, options.route))
    return 0


if __name__ == "__main__":
    sys.exit(main())
