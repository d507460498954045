// Assembles WebAssembly text to a module that holds the bytes as base64, so that the bundles stay single files.
//   node scripts/build-wasm.mjs           writes them
//   node scripts/build-wasm.mjs --check   exits 1 when one is not what its source assembles to
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = [
  {
    source: 'src/dialects/tao/norms/norms.wat',
    target: 'src/dialects/tao/norms/norms.generated.ts',
    name: 'NORMS_WASM',
  },
  {
    source: 'src/dialects/tao/norms/packed-norms.wat',
    target: 'src/dialects/tao/norms/packed-norms.generated.ts',
    name: 'PACKED_NORMS_WASM',
  },
  {
    source: 'src/dialects/shared/sums.wat',
    target: 'src/dialects/shared/sums.generated.ts',
    name: 'SUMS_WASM',
  },
  {
    source: 'src/recovery/match/rows.wat',
    target: 'src/recovery/match/rows.generated.ts',
    name: 'ROWS_WASM',
  },
];

const check = process.argv.includes('--check');
const { parseWat } = await wabt();
for (const { source, target, name } of modules) {
  const module = parseWat(source, readFileSync(join(root, source), 'utf8'), { simd: true });
  module.validate();
  const { buffer } = module.toBinary({});
  const text = `// Generated from ${source} by scripts/build-wasm.mjs.\nexport const ${name} =\n  '${Buffer.from(buffer).toString('base64')}';\n`;
  const path = join(root, target);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (check) {
    console.error(`${target}: not what ${source} assembles to; run node scripts/build-wasm.mjs`);
    process.exitCode = 1;
  } else writeFileSync(path, text);
}
