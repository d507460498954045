"""What one would write instead of prunegate: rank each layer's filters by norm, and look for the best ones in the pruned
model. It knows no equalization, no threshold and no BatchNorm, so it is often wrong; it is here for its time and memory."""
import sys

import numpy as np
import onnx
from onnx import numpy_helper


def kernels(path):
    graph = onnx.load(path).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    return {node.name: numpy_helper.to_array(tensors[node.input[1]]) for node in graph.node if node.op_type == "Conv"}


dense, pruned = (kernels(path) for path in sys.argv[1:3])
wrong = 0
for name, kernel in dense.items():
    norms = np.sqrt(np.square(kernel).sum(axis=(1, 2, 3)))
    wanted = np.sort(np.argsort(-norms)[: len(pruned[name])])
    # Input channels were cut too, so the filters themselves can't be compared: their norms over what is left must do.
    left = np.sqrt(np.square(pruned[name]).sum(axis=(1, 2, 3)))
    wrong += int(np.abs(norms[wanted] - left).max() > 1e-3 * norms.max())
print(f"{wrong} of {len(dense)} convolutions look wrong")
