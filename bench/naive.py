"""What one would write instead of prunegate: rank each layer's filters by norm, and find each filter of the pruned model among those of the dense one,
over the input channels that are left. It knows no equalization and no threshold, so it only says how many layers look odd; it is here for its time
and memory."""
import sys

import numpy as np
import onnx
from onnx import numpy_helper


def layers(path):
    """Kernels in the order of the graph, and the convolution whose channels each reads."""
    graph = onnx.load(path).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    maker, found = {}, {}
    for node in graph.node:
        if node.op_type in ("Conv", "MatMul"):
            found[node.name] = numpy_helper.to_array(tensors[node.input[1]]), maker.get(node.input[0])
            maker[node.output[0]] = node.name
        elif node.input:
            maker[node.output[0]] = maker.get(node.input[0])
    return found


dense, pruned = (layers(path) for path in sys.argv[1:3])
kept, odd = {}, 0
for name, (kernel, source) in dense.items():
    other = pruned[name][0]
    if kernel.ndim == 2:
        kernel, other = kernel.T, other.T
    norms = np.sqrt(np.square(kernel).sum(axis=tuple(range(1, kernel.ndim))))
    wanted = np.sort(np.argsort(-norms)[: len(other)])
    columns = kept.get(source)
    rows = kernel if columns is None or kernel.shape[1] == 1 else kernel[:, columns]
    number = {row.tobytes(): k for k, row in enumerate(rows)}
    kept[name] = [number.get(row.tobytes(), -1) for row in other]
    odd += int(-1 in kept[name] or not np.array_equal(kept[name], wanted))
print(f"{odd} of {len(dense)} layers look odd")
