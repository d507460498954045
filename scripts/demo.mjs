// What `npm start` shows: the forum's model checked, the same model cut as the forum expected it, and both models executed.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const example = 'examples/mobilenet-v2';

heading('A MobileNetV2 that NVIDIA TAO pruned: are the retained filters those that the spec asks for?');
const right = check(`${example}/pruned.onnx`);
heading('The same model, its first two layers cut by their own norms instead: what prunegate says then');
const wrong = check(`${example}/pruned-naive.onnx`);
heading('No pruned model at hand: the built-in pruner applies the spec, and what it wrote is checked like any other');
const builtIn = check(null);
heading('Both models in onnxruntime: does the pruned one compute what the dense one does with the same channels cut?');
const same = prunegate('run', '--dense', `${example}/dense.onnx`, '--pruned', `${example}/pruned.onnx`);

if (right !== 0 || wrong !== 1 || builtIn !== 0)
  fail(`expected exit status 0, 1 and 0, got ${right}, ${wrong} and ${builtIn}`);
// 3 where onnxruntime-node is not installed.
if (same !== 0 && same !== 3) fail(`expected the models to compute the same, got exit status ${same}`);

function check(pruned) {
  const spec = ['--spec', `${example}/prune.yaml`];
  return prunegate(
    'check',
    '--dense',
    `${example}/dense.onnx`,
    ...spec,
    ...(pruned === null ? [] : ['--pruned', pruned]),
  );
}

function prunegate(...args) {
  console.log(`$ prunegate ${args.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  console.log(`\nexit status ${status}`);
  return status;
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

function heading(text) {
  console.log(`\n${text}\n${'-'.repeat(text.length)}`);
}
