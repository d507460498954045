// What `npm start` shows: the forum's model checked, then the same model cut as the forum expected it.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const example = 'examples/mobilenet-v2';
/** Height and width of the example's input. */
const SIZE = 64;

heading('A MobileNetV2 that NVIDIA TAO pruned: are the retained filters those that the spec asks for?');
const right = prunegate(`${example}/pruned.onnx`);
heading('The same model, its first two layers cut by their own norms instead: what prunegate says then');
const wrong = prunegate(`${example}/pruned-naive.onnx`);
heading('No pruned model at hand: the built-in pruner applies the spec, and what it wrote is checked like any other');
const builtIn = prunegate(null);
await runBoth();

if (right !== 0 || wrong !== 1 || builtIn !== 0) {
  console.error(`expected exit status 0, 1 and 0, got ${right}, ${wrong} and ${builtIn}`);
  process.exitCode = 1;
}

function prunegate(pruned) {
  const args = ['check', '--dense', `${example}/dense.onnx`, '--spec', `${example}/prune.yaml`];
  if (pruned !== null) args.push('--pruned', pruned);
  console.log(`$ prunegate ${args.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  console.log(`\nexit status ${status}`);
  return status;
}

/** Loads and runs the example's models where onnxruntime-node, an optional dependency, is installed. */
async function runBoth() {
  const ort = await import('onnxruntime-node').catch(() => null);
  if (ort === null) return;
  heading('Both models in onnxruntime, on zeros and on noise');
  for (const file of ['dense.onnx', 'pruned.onnx']) {
    const session = await ort.InferenceSession.create(join(root, example, file));
    const [name] = session.inputNames;
    const outputs = [];
    for (const value of [() => 0, noise(1)]) {
      const data = Float32Array.from({ length: 3 * SIZE * SIZE }, value);
      const result = await session.run({ [name]: new ort.Tensor('float32', data, [1, 3, SIZE, SIZE]) });
      outputs.push(result[session.outputNames[0]]);
    }
    const shown = outputs.map(
      (tensor) => `[${Array.from(tensor.data.slice(0, 3), (v) => v.toFixed(3)).join(', ')}, ...]`,
    );
    console.log(`${file.padEnd(12)} loads and runs: ${shown.join(' and ')} of shape ${outputs[0].dims.join('x')}`);
  }
}

/** Seeded noise in -1 .. 1 (mulberry32), so that the demo prints the same numbers everywhere. */
function noise(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
  };
}

function heading(text) {
  console.log(`\n${text}\n${'-'.repeat(text.length)}`);
}
