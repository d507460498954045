import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';

/** A Python that has recipes/torch/requirements.txt: that of PRUNEGATE_TORCH_PYTHON, else the one on the path. */
const PYTHON = process.env['PRUNEGATE_TORCH_PYTHON'] ?? 'python3';
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, torch_pruning, onnx'], { stdio: 'ignore' }).status === 0;
const recipe = join(import.meta.dirname, '../../recipes/torch/prune.py');

const MODEL = `
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, inner, groups=1):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(width, inner, 3, padding=1, bias=False), nn.BatchNorm2d(inner), nn.ReLU())
        self.d = nn.Sequential(nn.Conv2d(inner, inner, 3, padding=1, groups=groups or inner), nn.BatchNorm2d(inner), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return torch.relu(x + self.b(self.d(self.a(x))))


def build():
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 24, 3, bias=False), nn.BatchNorm2d(24), nn.ReLU(), Block(24, 32, 0), Block(24, 16, 4),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 20), nn.ReLU(), nn.Linear(20, 5),
    )
`;

describe.skipIf(!hasTorch)('recipes/torch (skipped without a Python that has torch and torch-pruning)', () => {
  it.each([
    { importance: { type: 'GroupMagnitudeImportance' }, pruning_ratio: 0.5, ignored_layers: ['9'] },
    {
      importance: { type: 'GroupMagnitudeImportance', p: 1, group_reduction: 'first', normalizer: null },
      pruning_ratio: 0.4,
      global_pruning: true,
      round_to: 4,
      ignored_layers: ['9'],
    },
    {
      importance: { type: 'FPGMImportance', group_reduction: 'first' },
      pruning_ratio: 0.3,
      ignored_layers: ['4', '9'],
    },
    {
      importance: { type: 'RandomImportance' },
      scores: 'scores.npz',
      pruning_ratio: 0.5,
      ignored_layers: ['9'],
    },
  ])('makes a pair, a history and scores that conform to %o', async (prune) => {
    const folder = mkdtempSync(join(tmpdir(), 'prunegate-recipe-'));
    const spec = join(folder, 'spec.json');
    writeFileSync(join(folder, 'net.py'), MODEL);
    writeFileSync(spec, JSON.stringify({ dialect: 'torch-pruning', prune }));
    const arguments_ = ['--model', 'net:build', '--spec', spec, '--out', folder, '--input', '1x3x16x16'];
    const run = spawnSync(PYTHON, [recipe, ...arguments_], { cwd: folder, encoding: 'utf8' });
    expect(run.status, run.stderr).toBe(0);
    const file = (name: string): string => join(folder, name);
    const flags = { dense: file('dense.onnx'), pruned: file('pruned.onnx'), reported: file('history.json'), spec };
    const [request] = loadRequests(settingsFromFlags(flags), folder);
    const { report, exitCode } = await check(request!, { version: 'test', isHashed: false, log() {} });
    expect({ findings: report.findings, verdict: report.verdict, exitCode }).toEqual({
      findings: [],
      verdict: 'conforms',
      exitCode: 0,
    });
    const history: readonly unknown[] = JSON.parse(readFileSync(flags.reported, 'utf8'));
    expect(history.length).toBeGreaterThan(0);
    for (const layer of report.layers) expect(layer.reported, layer.name).toEqual(layer.actual);
  });
});
