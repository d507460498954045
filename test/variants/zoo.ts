import { type Attribute, float32, int64, modelBytes, op } from '../support/onnx-builder.ts';

type Node = ReturnType<typeof op>;
type Tensor = ReturnType<typeof float32>;

/** A network under construction, written as PyTorch's TorchScript exporter writes it: nodes named by modules, weights by parameters. */
class Net {
  readonly nodes: Node[] = [];
  readonly weights: Record<string, Tensor> = {};
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Roughly normal, with the heavy tails that trained weights have. */
  #random(): number {
    let sum = 0;
    for (let k = 0; k < 4; k++) {
      this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
      sum += this.#state / 2 ** 32 - 0.5;
    }
    return sum * Math.abs(sum) * 2;
  }

  #tensor(name: string, dims: readonly number[], value: (random: number) => number): string {
    const elements = dims.reduce((n, size) => n * size, 1);
    const data = Float32Array.from({ length: elements }, () => value(this.#random()));
    this.weights[name] = { dataType: 1, dims: dims.map(BigInt), rawData: new Uint8Array(data.buffer) };
    return name;
  }

  ints(name: string, values: readonly number[]): string {
    this.weights[name] = int64(values);
    return name;
  }

  number(name: string, value: number): string {
    this.weights[name] = float32(value);
    return name;
  }

  floats(name: string, values: readonly number[]): string {
    this.weights[name] = float32(values);
    return name;
  }

  /** A node of a module's own forward(), or of a module of one operator. */
  put(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs = 1,
  ): string {
    const module = `${opType.toLowerCase()}${this.nodes.length}`;
    const path = `/${module}/${opType}`;
    const names = Array.from({ length: outputs }, (_, k) => `${path}_output_${k}`);
    this.nodes.push(op(opType, inputs, names.join(' '), { name: path, ...attributes }));
    return names[0]!;
  }

  conv(
    x: string,
    name: string,
    from: number,
    to: number,
    kernel: number,
    options: { bias?: boolean; pad?: number; stride?: number } = {},
  ): string {
    const { bias = false, pad = kernel >> 1, stride = 1 } = options;
    const inputs = [x, this.#tensor(`${name}.weight`, [to, from, kernel, kernel], (r) => (2 * r) / Math.sqrt(from))];
    if (bias) inputs.push(this.#tensor(`${name}.bias`, [to], (r) => r));
    const path = `/${name}/Conv`;
    const window = {
      dilations: [1, 1],
      group: 1,
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [stride, stride],
    };
    this.nodes.push(op('Conv', inputs, `${path}_output_0`, { name: path, ...window }));
    return `${path}_output_0`;
  }

  norm(x: string, name: string, channels: number): string {
    const vectors = [
      this.#tensor(`${name}.weight`, [channels], (r) => 0.7 + Math.abs(r)),
      this.#tensor(`${name}.bias`, [channels], (r) => r),
      this.#tensor(`${name}.running_mean`, [channels], (r) => r),
      this.#tensor(`${name}.running_var`, [channels], (r) => 0.5 + Math.abs(r)),
    ];
    const path = `/${name}/BatchNormalization`;
    this.nodes.push(op('BatchNormalization', [x, ...vectors], `${path}_output_0`, { name: path, epsilon: 1e-5 }));
    return `${path}_output_0`;
  }

  linear(x: string, name: string, from: number, to: number): string {
    const inputs = [
      x,
      this.#tensor(`${name}.weight`, [to, from], (r) => (3 * r) / Math.sqrt(from)),
      this.#tensor(`${name}.bias`, [to], (r) => r),
    ];
    const path = `/${name}/Gemm`;
    this.nodes.push(
      op('Gemm', inputs, `${path}_output_0`, { name: path, alpha: { float: 1 }, beta: { float: 1 }, transB: 1 }),
    );
    return `${path}_output_0`;
  }

  bytes(output: string): Uint8Array {
    return modelBytes({
      inputs: { input: [1, 3, 16, 16] },
      weights: this.weights,
      nodes: this.nodes,
      outputs: [output],
      opset: 17,
      producer: 'pytorch',
    });
  }
}

/** What the goldens hardly have: each operator and setting that a kind of change needs. The built-in pruner cuts them. */
export function zoo(seed: number): Uint8Array {
  const net = new Net(seed);
  const width = 12 + 4 * (seed % 3);
  let x = net.put('Elu', [net.norm(net.conv('input', 'conv1', 3, width, 3), 'bn1', width)], { alpha: { float: 1 } });
  x = net.put('HardSigmoid', [net.conv(x, 'conv2', width, width, 3, { bias: true })], {
    alpha: { float: 0.2 },
    beta: { float: 0.5 },
  });
  const pads = net.ints('pads', [0, 0, 1, 1, 0, 0, 1, 1]);
  x = net.put('Pad', [net.put('Mul', [x, net.number('factor', 4)]), pads]);
  x = net.put('HardSwish', [net.norm(net.conv(x, 'conv3', width, 2 * width, 3, { pad: 0 }), 'bn3', 2 * width)]);
  const pooled = net.put('AveragePool', [x], {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    strides: [2, 2],
    ceil_mode: 0,
    count_include_pad: 1,
  });
  x = net.put('LeakyRelu', [net.norm(net.conv(pooled, 'conv4', 2 * width, 2 * width, 3), 'bn4', 2 * width)], {
    alpha: { float: 0.1 },
  });
  x = net.put('Add', [x, pooled]);
  x = net.put('Add', [x, net.number('offset', 0.3)]);
  const branches = ['left', 'right'].map((name) =>
    net.put('Relu', [net.norm(net.conv(x, name, 2 * width, width, 1), `${name}_bn`, width)]),
  );
  x = net.put('Concat', branches, { axis: 1 });
  const half = net.put(
    'Split',
    [net.conv(x, 'wide', 2 * width, 2 * width, 1, { bias: true }), net.ints('halves', [width, width])],
    { axis: 1 },
    2,
  );
  const halves = [half, half.replace(/0$/, '1')].map((part, k) =>
    net.conv(part, `half${k}`, width, width, 1, { bias: true }),
  );
  x = net.put('Concat', halves, { axis: 1 });
  x = net.put('Resize', [x, '', net.floats('scales', [1, 1, 2, 2])], {
    mode: 'nearest',
    nearest_mode: 'floor',
    coordinate_transformation_mode: 'asymmetric',
  });
  x = net.put('MaxPool', [x], { kernel_shape: [2, 2], pads: [0, 0, 0, 0], strides: [2, 2], ceil_mode: 0 });
  x = net.put('Clip', [
    net.conv(x, 'conv5', 2 * width, width, 3, { bias: true }),
    net.number('low', 0),
    net.number('high', 6),
  ]);
  x = net.put('Flatten', [net.put('ReduceMean', [x], { axes: [2, 3], keepdims: 1 })], { axis: 1 });
  x = net.linear(x, 'fc1', width, 2 * width);
  x = net.linear(net.put('PRelu', [x, net.floats('slope', [0.2])]), 'fc2', 2 * width, 5);
  return net.bytes(net.put('Softmax', [x], { axis: 1 }));
}

/** By the spec that they are cut by. */
export const ZOO_SPEC = {
  dialect: 'torch-pruning',
  prune: {
    pruning_ratio: 0.5,
    importance: { type: 'GroupMagnitudeImportance', p: 2 },
    ignored_layers: ['fc2', 'wide'],
  },
} as const;
