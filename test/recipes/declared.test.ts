import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { hasYolo, YOLO } from './yolo.ts';

/** A Python that has recipes/declared/requirements.txt: that of PRUNEGATE_DECLARED_PYTHON, else the one on the path. */
const PYTHON = process.env['PRUNEGATE_DECLARED_PYTHON'] ?? 'python3';
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, torch_pruning, onnx'], { stdio: 'ignore' }).status === 0;
const recipe = join(import.meta.dirname, '../../recipes/declared/prune_declared.py');

const MODELS = `
import torch
from torch import nn


def trained(model):
    torch.manual_seed(4)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.05, 1)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


class Residual(nn.Module):
    def __init__(self, width=24, inner=16):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.a = nn.Sequential(nn.Conv2d(width, inner, 3, padding=1, bias=False), nn.BatchNorm2d(inner), nn.ReLU())
        self.d = nn.Sequential(nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False), nn.BatchNorm2d(inner), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width))
        self.c = nn.Sequential(nn.Conv2d(width, 20, 1, bias=False), nn.BatchNorm2d(20), nn.ReLU())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 5))

    def forward(self, x):
        x = self.stem(x)
        return self.head(self.c(torch.relu(x + self.b(self.d(self.a(x))))))


def residual():
    torch.manual_seed(3)
    return trained(Residual())


def plain():
    torch.manual_seed(3)
    return trained(nn.Sequential(
        nn.Conv2d(3, 24, 3, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 33, 3), nn.BatchNorm2d(33), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(132, 5),
    ))
`;

/** Runs the recipe in each folder as a user would, in one Python: to import torch takes longer than all of it. */
const DRIVER = `
import io, json, os, sys, contextlib
sys.path[:0] = [os.path.dirname(sys.argv[1]), os.getcwd()]
import prune_declared
for folder, model in json.loads(sys.argv[2]):
    os.chdir(folder)
    more = ["--input", "1x3x64x64", "--before", "yolo:before"] if model == "yolo" else ["--input", "1x3x16x16"]
    sys.argv[1:] = ["--model", "net:" + model, "--spec", "spec.json", "--out", ".", *more]
    said = ""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            prune_declared.main()
        except SystemExit as exit:
            said = str(exit)
    with open("said.txt", "w") as file:
        file.write(said)
`;

const slimming = { preset: 'network-slimming', keep: { amount: 0.4, min: 1 } };
const RIGHT: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['residual', { preset: 'ln_structured', keep: { amount: 0.4 }, exclude: ['head.*'] }],
  [
    'plain',
    {
      preset: 'ln_structured',
      importance: { value: 'l1' },
      keep: { rule: 'remove', amount: 5 },
      exclude: ['8'],
      layers: { '3': { keep: { rule: 'ratio', amount: 0.5 } } },
    },
  ],
  ['plain', { ...slimming, exclude: ['8'] }],
  ['residual', { ...slimming, group: { coupled: 'whole' }, keep: { amount: 0.4, compare: '>=', min: '10%' } }],
  ['residual', { ...slimming, group: { coupled: 'together', score: 'or' } }],
  ['residual', { ...slimming, group: { coupled: 'together', score: 'and' } }],
  ['residual', { ...slimming, group: { coupled: 'together', score: 'max' }, exclude: ['c.0'] }],
  ...(hasYolo(PYTHON)
    ? ([['yolo', { ...slimming, group: { coupled: 'together', score: 'or' }, exclude: ['model.22.*'] }]] as const)
    : []),
];
const WRONG: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  [
    'plain',
    { preset: 'network-slimmin' },
    'preset: network-slimmin is not done here, but ln_structured and network-slimming are: did you mean network-slimming?',
  ],
  ['plain', { preset: 'ln_structured', exclude: ['9'] }, '9 fits no layer of the model'],
  [
    'plain',
    { preset: 'ln_structured', keep: { multiple: { of: 8 } } },
    'keep.multiple: is not done here for form: zeroed',
  ],
  ['plain', { importance: { value: 'l1' } }, 'importance.value: l1 is not done here for form: removed, but bn-gamma'],
  ['residual', slimming, 'stem.0, b.0 have the same channels: say group: {coupled: together} or {coupled: whole}'],
  ['plain', { ...slimming, keep: { amount: 1 } }, 'nothing would be left of 0: say keep: {min: 1}'],
  [
    'plain',
    { ...slimming, exclude: ['*'] },
    'no layer may be pruned: all are excluded, coupled, or have no BatchNorm directly behind them',
  ],
];

describe.skipIf(!hasTorch)('recipes/declared (skipped without a Python that has torch and torch-pruning)', () => {
  const work = mkdtempSync(join(tmpdir(), 'prunegate-declared-recipe-'));
  const folderOf = (at: number): string => join(work, String(at));
  const said = (at: number): string => readFileSync(join(folderOf(at), 'said.txt'), 'utf8');

  beforeAll(() => {
    writeFileSync(join(work, 'net.py'), hasYolo(PYTHON) ? `${MODELS}\n${YOLO}` : MODELS);
    const cases = [...RIGHT, ...WRONG].map(([model, prune], at) => {
      mkdirSync(folderOf(at));
      writeFileSync(join(folderOf(at), 'spec.json'), JSON.stringify({ dialect: 'declared', prune }));
      return [folderOf(at), model];
    });
    const done = spawnSync(PYTHON, ['-c', DRIVER, recipe, JSON.stringify(cases)], { cwd: work, encoding: 'utf8' });
    expect(done.status, done.stderr).toBe(0);
  }, 300_000);

  const checked = async (folder: string, reported: string) => {
    const file = (name: string): string => join(folder, name);
    const flags = { dense: file('dense.onnx'), pruned: file('pruned.onnx'), reported: file(reported) };
    const [request] = loadRequests(settingsFromFlags({ ...flags, spec: file('spec.json') }), folder);
    const { report, exitCode } = await check(request!, { version: 'test', isHashed: false, log() {} });
    return { report, outcome: { findings: report.findings, exitCode } };
  };

  it.each(RIGHT.map(([model, prune], at) => [model, prune, at] as const))(
    'prunes %s by the very spec %j, and the check agrees layer by layer',
    async (_, { preset }, at) => {
      expect(said(at)).toBe('');
      for (const reported of ['retained.json', ...(preset === 'ln_structured' ? ['masks.npz'] : [])]) {
        const { report, outcome } = await checked(folderOf(at), reported);
        expect(outcome).toEqual({ findings: [], exitCode: 0 });
        expect(report.layers.filter(({ actual, filters }) => actual!.length < filters).length).toBeGreaterThan(0);
        const named = report.layers.filter((layer) => layer.reported !== null);
        expect(named.length).toBeGreaterThan(1);
        for (const layer of named) expect(layer.reported, layer.name).toEqual(layer.actual);
      }
    },
  );

  it('leaves a model that diverges from another spec', async () => {
    writeFileSync(
      join(folderOf(0), 'spec.json'),
      JSON.stringify({ dialect: 'declared', prune: { ...RIGHT[0]![1], keep: { amount: 0.5 } } }),
    );
    expect((await checked(folderOf(0), 'retained.json')).outcome.exitCode).toBe(1);
  });

  it.each(WRONG.map(([model, prune, message], at) => [model, prune, message, RIGHT.length + at] as const))(
    'of %s refuses %j in one line',
    (_model, _prune, message, at) => expect(said(at)).toBe(`prune_declared.py: ${message}`),
  );
});
