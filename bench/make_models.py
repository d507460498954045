"""Makes the models that the benchmark runs on: a 9 MB MobileNetV2-like pair, and a pair with a dense model of 500 MB.

Weights are random; names are those of a tf2onnx export, BatchNorm is not folded, and the pruned models are cut by the
rule of TAO's pruner (union, threshold 0.68 of the maximum), so that `prunegate check` conforms.
"""
import json
import os
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

SPEC = {"threshold": 0.68, "normalizer": "max", "granularity": 8, "min_num_filters": 16,
        "equalization_criterion": "union", "excluded_layers": []}


def norms(kernel):
    stat = np.sqrt(np.sum(kernel ** 2, axis=tuple(range(kernel.ndim - 1))))
    return stat / stat.max()


def retain(stat):
    count = max(int((stat > np.float32(SPEC["threshold"])).sum()), min(SPEC["min_num_filters"], len(stat)))
    count = min(-(-count // SPEC["granularity"]) * SPEC["granularity"], len(stat))
    return np.sort(np.argsort(-stat, kind="stable")[:count])


class Net:
    """A chain of convolutions, each followed by BatchNorm and Relu, in the order of their making, with residual adds."""

    def __init__(self, seed, model):
        self.rng = np.random.default_rng(seed)
        self.model = model
        self.layers = []

    def filters(self, *shape):
        scale = self.rng.uniform(0.4, 1.0, shape[-1]).astype(np.float32)
        return self.rng.standard_normal(shape, dtype=np.float32) * scale

    def conv(self, name, inputs, outputs, size):
        self.layers.append(("conv", name, self.filters(size, size, inputs, outputs), self.rng.standard_normal((4, outputs), dtype=np.float32)))

    def depthwise(self, name, channels):
        self.layers.append(("depthwise", name, self.filters(3, 3, channels), self.rng.standard_normal((4, channels), dtype=np.float32)))

    def dense(self, name, inputs, outputs):
        self.layers.append(("dense", name, self.filters(inputs, outputs), self.rng.standard_normal((1, outputs), dtype=np.float32)))

    def residual(self, name, first, second):
        """Adds what comes out of the conv `first` (or of the add that follows it) to what comes out of the conv `second`."""
        self.layers.append(("add", name, first, second))

    def groups(self):
        """Convs whose filters stay or go together: those that one add sums, and a depthwise conv with the conv before it."""
        groups = {name: [name] for kind, name, _, _ in self.layers if kind != "add"}
        pairs = [(self.layers[k - 1][1], name) for k, (kind, name, _, _) in enumerate(self.layers) if kind == "depthwise"]
        for first, second in pairs + [(first, second) for kind, _, first, second in self.layers if kind == "add"]:
            merged = groups[first] + [name for name in groups[second] if name not in groups[first]]
            for name in merged:
                groups[name] = merged
        return groups

    def kept(self):
        """What TAO's pruner retains: every group by the largest of its members' normalized norms (union)."""
        kernels = {name: kernel for kind, name, kernel, _ in self.layers if kind != "add"}
        kept = {name: retain(np.max([norms(kernels[member]) for member in group], axis=0)) for name, group in self.groups().items()}
        kept["predictions"] = np.arange(kernels["predictions"].shape[-1])
        return kept

    def save(self, path, kept=None):
        nodes, constants = [], []
        prefix = f"StatefulPartitionedCall/{self.model}"

        def constant(name, array):
            constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype=np.float32), name))
            return name

        tensor, before, outputs = "input_1", np.arange(3), {}
        for kind, name, kernel, vectors in self.layers:
            if kind == "add":
                nodes.append(helper.make_node("Add", [outputs[kernel], outputs[vectors]], [f"{prefix}/{name}/add:0"], name=f"{prefix}/{name}/add"))
                tensor = outputs[vectors] = f"{prefix}/{name}/add:0"
                continue
            after = np.arange(kernel.shape[-1]) if kept is None else kept[name]
            if kind == "dense":
                nodes.append(helper.make_node("GlobalAveragePool", [tensor], [f"{prefix}/gap/Mean:0"], name=f"{prefix}/gap/Mean"))
                nodes.append(helper.make_node("Flatten", [f"{prefix}/gap/Mean:0"], ["gap__1:0"], name="gap__1", axis=1))
                weight = constant(f"{prefix}/{name}/MatMul/ReadVariableOp:0", kernel[before][:, after])
                nodes.append(helper.make_node("MatMul", ["gap__1:0", weight], [f"{prefix}/{name}/MatMul:0"], name=f"{prefix}/{name}/MatMul"))
                bias = constant(f"{prefix}/{name}/BiasAdd/ReadVariableOp:0", vectors[0][after])
                nodes.append(helper.make_node("Add", [f"{prefix}/{name}/MatMul:0", bias], ["Identity:0"], name=f"{prefix}/{name}/BiasAdd"))
                break
            op = "depthwise" if kind == "depthwise" else "Conv2D"
            if kind == "depthwise":
                data, group = kernel[:, :, after].transpose(2, 0, 1)[:, None], len(after)
            else:
                data, group = kernel[:, :, before][..., after].transpose(3, 2, 0, 1), 1
            weight = constant(f"{prefix}/{name}/{op}/ReadVariableOp:0", data)
            size = kernel.shape[0]
            nodes.append(helper.make_node("Conv", [tensor, weight], [f"{prefix}/{name}/{op}:0"], name=f"{prefix}/{name}/{op}", group=group,
                                          kernel_shape=[size, size], pads=[size // 2] * 4, strides=[1, 1]))
            names = ["ReadVariableOp:0", "ReadVariableOp_1:0", "FusedBatchNormV3/ReadVariableOp:0", "FusedBatchNormV3/ReadVariableOp_1:0"]
            bn = [constant(f"{prefix}/bn_{name}/{n}", np.abs(v[after])) for n, v in zip(names, vectors)]
            nodes.append(helper.make_node("BatchNormalization", [f"{prefix}/{name}/{op}:0", *bn], [f"{prefix}/bn_{name}/FusedBatchNormV3:0"],
                                          name=f"{prefix}/bn_{name}/FusedBatchNormV3", epsilon=1e-3))
            tensor = f"{prefix}/relu_{name}/Relu:0"
            nodes.append(helper.make_node("Relu", [f"{prefix}/bn_{name}/FusedBatchNormV3:0"], [tensor], name=f"{prefix}/relu_{name}/Relu"))
            before, outputs[name] = after, tensor
        graph = helper.make_graph(nodes, "tf2onnx", [helper.make_tensor_value_info("input_1", TensorProto.FLOAT, ["N", 3, 32, 32])],
                                  [helper.make_tensor_value_info("Identity:0", TensorProto.FLOAT, ["N", 10])], constants)
        model = helper.make_model(graph, producer_name="tf2onnx", opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
        onnx.save(model, path)


def mobilenet():
    net = Net(1, "mobilenet")
    net.conv("conv1", 3, 32, 3)
    width = 32
    plan = [(32, 1), (56, 2), (96, 3), (160, 4), (208, 4)]
    block = 0
    for out, repeats in plan:
        for repeat in range(repeats):
            net.conv(f"block_{block}_expand", width, width * 4, 1)
            net.depthwise(f"block_{block}_depthwise", width * 4)
            net.conv(f"block_{block}_project", width * 4, out, 1)
            if repeat > 0:
                net.residual(f"block_{block}_add", f"block_{block - 1}_project", f"block_{block}_project")
            width, block = out, block + 1
    net.dense("predictions", width, 10)
    return net


def large():
    net = Net(2, "large")
    net.conv("conv1", 3, 1024, 3)
    for k in range(13):
        net.conv(f"conv_{k + 2}", 1024, 1024, 3)
    net.dense("predictions", 1024, 10)
    return net


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for name, net in (("mobilenet", mobilenet()), ("large", large())):
        net.save(os.path.join(folder, f"{name}.dense.onnx"))
        net.save(os.path.join(folder, f"{name}.pruned.onnx"), net.kept())
        print(name, *(f"{os.path.getsize(os.path.join(folder, f'{name}.{part}.onnx')) / 1e6:.1f} MB" for part in ("dense", "pruned")))
    with open(os.path.join(folder, "spec.yaml"), "w") as file:
        json.dump({"prune": SPEC}, file, indent=2)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "models"))
