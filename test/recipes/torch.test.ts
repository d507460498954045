import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { hasYolo, YOLO } from './yolo.ts';

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

const HOOKED = `
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.num_heads, self.head_dim = heads, width // heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, n, _ = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4).unbind(0)
        y = ((q @ k.transpose(-2, -1)) * self.head_dim**-0.5).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(b, n, -1))


class ViT(nn.Module):
    def __init__(self, width=32, heads=4):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.fc1, self.fc2 = nn.Linear(width, 64), nn.Linear(64, width)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.attn(self.norm1(x))
        x = x + self.fc2(torch.nn.functional.gelu(self.fc1(self.norm2(x))))
        return self.head(x[:, 0])


def vit():
    torch.manual_seed(5)
    return ViT()


def before(model):
    return {"unwrapped_parameters": [(model.cls_token, 2)]}


def after(model):
    model.attn.head_dim = model.attn.qkv.out_features // (3 * model.attn.num_heads)


def cnn():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 5))


def gradients(model):
    torch.manual_seed(0)
    model(torch.randn(4, 3, 16, 16)).square().mean().backward()
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

  /** Runs the recipe in a folder with net.py; gives what it printed and its exit status. */
  const recipeOn = (prune: object, ...more: readonly string[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'prunegate-recipe-'));
    writeFileSync(join(folder, 'net.py'), HOOKED);
    writeFileSync(join(folder, 'detector.py'), YOLO);
    writeFileSync(join(folder, 'spec.json'), JSON.stringify({ dialect: 'torch-pruning', prune }));
    const args = [recipe, '--spec', 'spec.json', '--out', '.', '--input', '1x3x16x16', ...more];
    return { folder, ...spawnSync(PYTHON, args, { cwd: folder, encoding: 'utf8' }) };
  };

  const verdictIn = async (folder: string): Promise<string | null> => {
    const file = (name: string): string => join(folder, name);
    const flags = { dense: file('dense.onnx'), pruned: file('pruned.onnx'), reported: file('history.json') };
    const [request] = loadRequests(settingsFromFlags({ ...flags, spec: file('spec.json') }), folder);
    return (await check(request!, { version: 'test', isHashed: false, log() {} })).report.verdict;
  };

  it('takes gradients for a Taylor importance, whose scores it leaves for the check', async () => {
    const prune = {
      importance: { type: 'GroupTaylorImportance' },
      scores: 'scores.npz',
      pruning_ratio: 0.5,
      ignored_layers: ['8'],
    };
    const run = recipeOn(prune, '--model', 'net:cnn', '--gradients', 'net:gradients');
    expect(run.status, run.stderr).toBe(0);
    expect(await verdictIn(run.folder)).toBe('conforms');
  });

  it('prunes a ViT whose class token is no module and whose attention remembers its widths', async () => {
    const prune = {
      importance: { type: 'GroupMagnitudeImportance' },
      pruning_ratio: 0.5,
      ignored_layers: ['head', 'attn.qkv'],
    };
    const run = recipeOn(prune, '--model', 'net:vit', '--before', 'net:before', '--after', 'net:after');
    expect(run.status, run.stderr).toBe(0);
    expect(await verdictIn(run.folder)).toBe('conforms');
    const modules = JSON.parse(readFileSync(join(run.folder, 'modules.json'), 'utf8'));
    expect(modules).toMatchObject({ attn: 'Attention', 'attn.qkv': 'Linear', norm1: 'LayerNorm' });
  });

  it.skipIf(!hasYolo(PYTHON))('prunes a YOLO of ultralytics (skipped without it)', { timeout: 180_000 }, async () => {
    const prune = {
      importance: { type: 'GroupMagnitudeImportance' },
      pruning_ratio: 0.3,
      ignored_layers: ['model.22'],
    };
    const run = recipeOn(prune, '--model', 'detector:yolo', '--before', 'yolo:before', '--input', '1x3x64x64');
    expect(run.status, run.stderr).toBe(0);
    expect(await verdictIn(run.folder)).toBe('conforms');
  });

  it.each([
    [{ ignored_layers: ['head2'] }, 'net:vit', 'ignored_layers: the model has no module head2: did you mean head?'],
    [
      { num_heads: { 'attn.qkw': 4 } },
      'net:vit',
      'num_heads: the model has no module attn.qkw: did you mean attn.qkv?',
    ],
    [{}, 'net:vitt', 'net:vitt: the module has no vitt: did you mean vit?'],
    [{}, 'nett:vit', 'nett:vit: there is no module nett'],
  ])('says in one line that %j of %s is mistyped', (keys, model, message) => {
    const prune = { importance: { type: 'GroupMagnitudeImportance' }, pruning_ratio: 0.5, ...keys };
    const run = recipeOn(prune, '--model', model);
    expect(run.status).toBe(1);
    expect(run.stderr.trim()).toBe(`prune.py: ${message}`);
  });

  it('writes weights beside the model where one file cannot hold them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'prunegate-recipe-'));
    writeFileSync(join(folder, 'net.py'), HOOKED);
    const run = [
      'import sys; sys.path[:0] = [sys.argv[1], "."]',
      'import net, prune, torch, onnx, os',
      'prune.export(net.cnn(), torch.zeros(1, 3, 16, 16), "m.onnx", most_bytes=1000)',
      'onnx.checker.check_model("m.onnx")',
      'print(sorted(os.listdir(".")))',
    ].join('\n');
    const done = spawnSync(PYTHON, ['-c', run, join(recipe, '..')], { cwd: folder, encoding: 'utf8' });
    expect(done.status, done.stderr).toBe(0);
    expect(done.stdout).toContain("'m.onnx', 'm.onnx.data'");
  });
});
