// Compiles schemas/*.schema.json to self-contained ES modules beside the code that uses them, so that no schema compiler runs (or ships) with prunegate.
//   node scripts/build-validators.mjs           writes them
//   node scripts/build-validators.mjs --check   exits 1 when one is not what its schema compiles to
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { rolldown } from 'rolldown';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Which schema becomes which module and function. A schema that is not listed is compiled too, to hold it to strict mode. */
const modules = {
  'config.schema.json': { file: 'src/config/config.validator.generated', name: 'validateConfig' },
  'declared.schema.json': { file: 'src/dialects/declared/spec.validator.generated', name: 'validateSpec' },
  'torch-pruning.schema.json': { file: 'src/dialects/torch-pruning/spec.validator.generated', name: 'validateSpec' },
  'report.schema.json': {
    file: 'src/report/report.validator.generated',
    name: 'validateReport',
    definition: '#/definitions/report',
    // One mistake of a file that a program wrote is enough, and the schema is large.
    isTerse: true,
  },
  'lock.schema.json': { file: 'src/lock/lock.validator.generated', name: 'validateLock', isTerse: true },
  'tao-tf1.schema.json': { file: 'src/dialects/tao-tf1/spec.validator.generated', name: 'validateSpec' },
  'tao-tf2.schema.json': { file: 'src/dialects/tao-tf2/spec.validator.generated', name: 'validateSpec' },
};

const check = process.argv.includes('--check');
const stale = [];
for (const schemaName of readdirSync(join(root, 'schemas')).filter((name) => name.endsWith('.schema.json'))) {
  const outputs = await compile(schemaName);
  for (const [path, text] of Object.entries(outputs)) {
    const target = join(root, path);
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
    if (check) stale.push(path);
    else writeFileSync(target, text);
  }
}
if (stale.length > 0) {
  console.error(`${stale.join(', ')}: not what the schema compiles to; run node scripts/build-validators.mjs`);
  process.exitCode = 1;
}

async function compile(schemaName) {
  const isTerse = modules[schemaName]?.isTerse ?? false;
  const ajv = new Ajv.default({
    strict: true,
    strictTypes: true,
    // A definition that many places refer to is one function, not a copy in each.
    inlineRefs: false,
    allowUnionTypes: true,
    // Which mistake to tell first is decided in src/config/validate.ts, which needs them all and the schema beside them.
    allErrors: !isTerse,
    verbose: !isTerse,
    useDefaults: true,
    code: { source: true, esm: true },
  });
  // What only people read is not shipped where no message is made of it.
  const left = (key, value) => (isTerse && key === 'description' && typeof value === 'string' ? undefined : value);
  ajv.addSchema(JSON.parse(readFileSync(join(root, 'schemas', schemaName), 'utf8'), left), schemaName);
  if (ajv.getSchema(schemaName) === undefined) throw new Error(`${schemaName} does not compile`);
  const module = modules[schemaName];
  if (module === undefined) return {};
  const header = `// Generated from schemas/${schemaName} by scripts/build-validators.mjs.\n`;
  return {
    [`${module.file}.js`]:
      header + (await selfContained(standaloneCode(ajv, { [module.name]: `${schemaName}${module.definition ?? ''}` }))),
    [`${module.file}.d.ts`]: `${header}import type { Validator } from '${validatorType(module.file)}';\n\nexport declare const ${module.name}: Validator;\n`,
  };
}

/** Standalone code still requires ajv's helpers from ajv/dist/runtime: bundle them in. */
async function selfContained(code) {
  const entry = join(root, 'validator.js');
  const given = {
    name: 'given',
    load: (id) => (id === entry ? code : null),
    resolveId: (id) => (id === entry ? id : null),
  };
  const bundler = await rolldown({
    cwd: root,
    input: entry,
    plugins: [given],
    platform: 'neutral',
    transform: { target: 'node20' },
  });
  const { output } = await bundler.generate({ format: 'esm', minify: true, comments: false });
  await bundler.close();
  if (output.length !== 1 || output[0].imports.length > 0) throw new Error('a validator is not in one piece');
  return `${output[0].code.trimEnd()}\n`;
}

function validatorType(file) {
  const path = relative(dirname(file), 'src/config/validate.ts').replaceAll('\\', '/');
  return path.startsWith('.') ? path : `./${path}`;
}
