// Bundles the two entries into dist/, which is committed: the runner starts dist/index.cjs as it lies in the repository, without node_modules.
//   node scripts/build.mjs           writes dist/
//   node scripts/build.mjs --check   exits 1 and names the files of dist/ that are not what the source builds
// CommonJS, because ESM bundles of CommonJS dependencies break on dynamic require (astral-sh/setup-uv #806 went back for it).
// No compile cache (module.enableCompileCache): see bench/README.md for what it would gain and why a gate does without it.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { licenceText } from './licences.mjs';
