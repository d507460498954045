"""Makes the models that the benchmark runs on: a 9 MB MobileNetV2-like pair, a pair with a dense model of 500 MB, one of 20,000 layers, and one with a
layer of 100,000 filters.

    make_models.py [DIR] [--huge]      with one of 1.9 GB, which takes 6 GB of memory
    make_models.py [DIR] --shards      only one of 8 GB, whose weights are seeded random numbers in 20 files beside it

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


# What one would not prune by: most layers keep others.
OTHER = {"threshold": 0.6, "granularity": 16}
# Of layers with eight filters.
NARROW = {"granularity": 2, "min_num_filters": 2}


def norms(kernel):
    stat = np.sqrt(np.sum(kernel ** 2, axis=tuple(range(kernel.ndim - 1))))
    return stat / stat.max()


def retain(stat, spec=SPEC):
    count = max(int((stat > np.float32(spec["threshold"])).sum()), min(spec["min_num_filters"], len(stat)))
    count = min(-(-count // spec["granularity"]) * spec["granularity"], len(stat))
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


def plain(seed, name, width, layers):
    net = Net(seed, name)
    net.conv("conv1", 3, width, 3)
    for k in range(layers):
        net.conv(f"conv_{k + 2}", width, width, 3)
    net.dense("predictions", width, 10)
    return net


def large():
    return plain(2, "large", 1024, 13)


def huge():
    return plain(3, "huge", 2048, 12)


SHARDS, WIDE, LAYERS = 20, 2048, 53


def write_shards(folder):
    """A chain of wide convolutions, of which one after the other is made and written: the dense model's weights in 20 files, the pruned one's in as many."""
    files, offsets, graphs = {}, {}, {"dense": ([], []), "pruned": ([], [])}

    def external(part, shard, name, array):
        location = f"shards.{part}.{shard:02}.bin"
        if location not in files:
            files[location] = open(os.path.join(folder, location), "wb")
        file = files[location]
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", location), ("offset", str(offsets.get(location, 0))), ("length", str(array.nbytes))):
            tensor.external_data.add(key=key, value=value)
        file.write(np.ascontiguousarray(array).data)
        offsets[location] = offsets.get(location, 0) + array.nbytes
        graphs[part][1].append(tensor)

    rng, before = np.random.default_rng(4), np.arange(3)
    for k in range(LAYERS):
        kernel = rng.standard_normal((WIDE, 3 if k == 0 else WIDE, 3, 3), dtype=np.float32)
        kernel *= rng.uniform(0.4, 1.0, (WIDE, 1, 1, 1)).astype(np.float32)
        after = np.arange(WIDE) if k == LAYERS - 1 else retain(norms(kernel.reshape(WIDE, -1).T))
        name = f"StatefulPartitionedCall/shards/conv_{k}/Conv2D"
        for part, data in (("dense", kernel), ("pruned", kernel[after][:, before] if k > 0 else kernel[after])):
            external(part, k * SHARDS // LAYERS, f"{name}/ReadVariableOp:0", data)
            inputs = ["input_1" if k == 0 else f"tensor_{k - 1}", f"{name}/ReadVariableOp:0"]
            graphs[part][0].append(helper.make_node("Conv", inputs, [f"tensor_{k}"], name=name, kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1]))
        before = after
    for file in files.values():
        file.close()
    for part, (nodes, tensors) in graphs.items():
        value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", None, 32, 32]) for name in ("input_1", f"tensor_{LAYERS - 1}")]
        graph = helper.make_graph(nodes, "tf2onnx", value[:1], value[1:], tensors)
        model = helper.make_model(graph, producer_name="tf2onnx", opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
        with open(os.path.join(folder, f"shards.{part}.onnx"), "wb") as file:
            file.write(model.SerializeToString())
    with open(os.path.join(folder, "shards.yaml"), "w") as file:
        json.dump({"prune": {**SPEC, "excluded_layers": [f"conv_{LAYERS - 1}"]}}, file, indent=2)


def write_chain(folder, name, widths, spec):
    """A chain of convolutions of one element and nothing else: a graph that is large where the weights are small."""
    rng, before = np.random.default_rng(5), np.arange(8)
    graphs = {"dense": ([], []), "pruned": ([], [])}
    for k, (inputs, filters) in enumerate(zip([8, *widths], widths)):
        kernel = rng.standard_normal((filters, inputs, 1, 1), dtype=np.float32)
        after = np.arange(filters) if k == len(widths) - 1 else retain(norms(kernel.reshape(filters, -1).T), spec)
        layer = f"StatefulPartitionedCall/{name}/conv_{k}/Conv2D"
        for part, data in (("dense", kernel), ("pruned", kernel[after][:, before])):
            graphs[part][1].append(numpy_helper.from_array(np.ascontiguousarray(data), f"{layer}/ReadVariableOp:0"))
            tensors = ["input_1" if k == 0 else f"tensor_{k - 1}", f"{layer}/ReadVariableOp:0"]
            graphs[part][0].append(helper.make_node("Conv", tensors, [f"tensor_{k}"], name=layer, kernel_shape=[1, 1]))
        before = after
    for part, (nodes, tensors) in graphs.items():
        values = [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["N", None, 4, 4]) for value in ("input_1", f"tensor_{len(widths) - 1}")]
        graph = helper.make_graph(nodes, "tf2onnx", values[:1], values[1:], tensors)
        model = helper.make_model(graph, producer_name="tf2onnx", opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
        onnx.save(model, os.path.join(folder, f"{name}.{part}.onnx"))
    last = {"excluded_layers": [f"conv_{len(widths) - 1}"]}
    for part, other in (("", {}), ("-other", {**OTHER, "granularity": 4})):
        with open(os.path.join(folder, f"{name}{part}.yaml"), "w") as file:
            json.dump({"prune": {**spec, **last, **other}}, file, indent=2)


def main(folder, flags):
    os.makedirs(folder, exist_ok=True)
    if "--shards" in flags:
        return write_shards(folder)
    for name, net in (("mobilenet", mobilenet()), ("large", large()), *([("huge", huge())] if "--huge" in flags else [])):
        net.save(os.path.join(folder, f"{name}.dense.onnx"))
        net.save(os.path.join(folder, f"{name}.pruned.onnx"), net.kept())
        print(name, *(f"{os.path.getsize(os.path.join(folder, f'{name}.{part}.onnx')) / 1e6:.1f} MB" for part in ("dense", "pruned")))
    write_chain(folder, "deep", [8] * 20_000, {**SPEC, **NARROW})
    write_chain(folder, "wide", [100_000, 8], SPEC)
    for name, spec in (("spec", SPEC), ("other", {**SPEC, **OTHER})):
        with open(os.path.join(folder, f"{name}.yaml"), "w") as file:
            json.dump({"prune": spec}, file, indent=2)


if __name__ == "__main__":
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    main(folders[0] if folders else os.path.join(os.path.dirname(__file__), "models"), sys.argv[1:])
