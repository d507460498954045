"""The model of test/fixtures/golden/seed_mobilenet_v2 as Keras, with the weights of its unfolded ONNX export.

The golden files were made by TAO's own pruner and exporter. A Keras model that holds the same weights under the same
names lets our export be compared with theirs, node by node and bit by bit.
"""

import numpy as np
import onnx
from onnx import numpy_helper
from prunegate import golden_file
from tensorflow import keras

NAME = "mobilenet_v2_head"
PREFIX = f"StatefulPartitionedCall/{NAME}/"
# Filters of expand (none in the first block), stride and filters of project.
BLOCKS = (("expanded_conv", None, 1, 16), ("block_1", 96, 2, 24), ("block_2", 144, 1, 24), ("block_3", 144, 2, 32))


def golden(name="dense.onnx"):
    return onnx.load(str(golden_file(name)))


def build():
    """The architecture, channels first: it can be exported on a CPU, not run by TensorFlow there."""
    layers = keras.layers
    first = {"data_format": "channels_first", "padding": "same", "use_bias": False}

    def normalized(x, name, relu=True):
        x = layers.BatchNormalization(axis=1, epsilon=1e-3, name=f"bn_{name}")(x)
        return layers.ReLU(name=f"relu_{name}")(x) if relu else x

    image = layers.Input((3, 64, 64), name="input_1")
    x = normalized(layers.Conv2D(32, 3, strides=2, name="conv1", **first)(image), "conv1")
    for block, expand, stride, filters in BLOCKS:
        shortcut = x
        if expand is not None:
            x = normalized(layers.Conv2D(expand, 1, name=f"{block}_expand", **first)(x), f"{block}_expand")
        depthwise = layers.DepthwiseConv2D(3, strides=stride, name=f"{block}_depthwise", **first)
        x = normalized(depthwise(x), f"{block}_depthwise")
        x = layers.Conv2D(filters, 1, name=f"{block}_project", **first)(x)
        x = normalized(x, f"{block}_project", relu=False)
        if block == "block_2":
            x = layers.Add(name="block_2_add")([shortcut, x])
    x = normalized(layers.Conv2D(64, 1, name="conv_1", **first)(x), "conv_1")
    x = layers.GlobalAveragePooling2D(data_format="channels_first", name="gap")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="predictions")(x), name=NAME)


def with_golden_weights():
    model = build()
    tensors = weights_by_layer(golden())
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(tensors[layer.name])
    return model


def weights_by_layer(onnx_model):
    """{Keras layer: its weights in Keras's order and layout}."""
    initializers = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx_model.graph.initializer}
    weights = {}
    for node in onnx_model.graph.node:
        layer = node.name.removeprefix(PREFIX).split("/")[0]
        values = [initializers[name] for name in node.input[1:] if name in initializers]
        if node.op_type == "Conv":
            is_depthwise = node.name.endswith("/depthwise")
            weights[layer] = [np.transpose(values[0], (2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0))]
        elif node.op_type == "BatchNormalization":
            weights[layer] = values
        elif node.op_type in ("MatMul", "Add") and values:
            weights.setdefault(layer, []).extend(values)
    return weights
