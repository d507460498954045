import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import type { Report } from '../../src/report/index.ts';

const example = join(import.meta.dirname, '../../examples/mobilenet-v2');
const work = mkdtempSync(join(tmpdir(), 'prunegate-reports-'));
for (const [file, target] of [
  ['dense.onnx', 'out'],
  ['pruned.onnx', 'out'],
  ['pruned-naive.onnx', 'out'],
  ['prune.yaml', 'specs'],
] as const) {
  mkdirSync(join(work, target), { recursive: true });
  cpSync(join(example, file), join(work, target, file));
}

/** The report of the example in a repository of its own, places relative to it. */
async function reportOf(model: string, pruned: string): Promise<Report> {
  const flags = { dense: 'out/dense.onnx', pruned: `out/${pruned}`, spec: 'specs/prune.yaml' };
  const paths = Object.fromEntries(Object.entries(flags).map(([key, file]) => [key, join(work, file)]));
  const [request] = loadRequests(settingsFromFlags(paths), work);
  const { report } = await check(request!, { version: '1.2.3', root: work, isHashed: false, log() {} });
  const inputs = {
    dense: { ...report.inputs.dense, path: 'out/dense.onnx' },
    pruned: { ...report.inputs.pruned!, path: `out/${pruned}` },
  };
  return { ...report, model, inputs };
}

export const right = await reportOf('right', 'pruned.onnx');
export const wrong = await reportOf('wrong', 'pruned-naive.onnx');

/** Names that a model file may hold. */
export const HOSTILE = [
  '\u0000\u0001\u0008\u000b\u001b[31m\u007f\u0085',
  '\ufffe\uffff\ud800 \udfff',
  '\u202e\u2066tag \u{e0041}',
  ']]><!-- <script>&amp;&#0;" \' --><?xml?>',
  '[link](https://example.org) [x](1) {0} {{1}}',
  'a\r\nb\tc',
  '%SRCROOT%/../..//:?#[]@',
  'é漢字😀',
];
