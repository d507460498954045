// Run by hand when GitHub's API description is to be taken anew: writes test/fixtures/github/openapi.json, what of it the action's requests touch.
// @octokit/openapi unpacks to 385 MB, too much to install for it, so unpack the one file that is needed:
//   npm pack @octokit/openapi && mkdir openapi
//   tar xzf octokit-openapi-*.tgz -C openapi --strip-components 1 package/generated/api.github.com.json package/package.json
//   node scripts/extract-openapi.mjs openapi
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Operations that the action may call; `response` says whose answers the local API of the tests is held to as well. */
const OPERATIONS = [
  { method: 'get', path: '/repos/{owner}/{repo}/issues/{issue_number}/comments', response: '200' },
  { method: 'post', path: '/repos/{owner}/{repo}/issues/{issue_number}/comments', response: '201' },
  { method: 'patch', path: '/repos/{owner}/{repo}/issues/comments/{comment_id}', response: '200' },
  { method: 'delete', path: '/repos/{owner}/{repo}/issues/comments/{comment_id}', response: null },
  { method: 'post', path: '/repos/{owner}/{repo}/check-runs', response: '201' },
  { method: 'patch', path: '/repos/{owner}/{repo}/check-runs/{check_run_id}', response: '200' },
  { method: 'get', path: '/repos/{owner}/{repo}/pulls/{pull_number}', response: null },
  { method: 'get', path: '/repos/{owner}/{repo}/pulls', response: null },
  // By their media type these answer with a file's own bytes, or, where there is no file, with what is there instead.
  { method: 'get', path: '/repos/{owner}/{repo}/contents/{path}', response: '200' },
  { method: 'get', path: '/repos/{owner}/{repo}/git/trees/{tree_sha}', response: '200' },
  // A run's own description is larger than all others together.
  { method: 'get', path: '/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs', response: null },
  { method: 'get', path: '/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts', response: '200' },
  // Answers with a redirection to where the bytes lie.
  { method: 'get', path: '/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}', response: null },
];

const [openapi] = process.argv.slice(2);
if (openapi === undefined) {
  console.error('usage: extract-openapi.mjs FOLDER (see the head of this script)');
  process.exit(2);
}
const target = join(dirname(fileURLToPath(import.meta.url)), '../test/fixtures/github');
const read = (folder, file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
const description = read(openapi, 'generated/api.github.com.json');
const definitions = {};

mkdirSync(target, { recursive: true });
write('openapi.json', {
  source: `@octokit/openapi ${read(openapi, 'package.json').version} (MIT)`,
  operations: OPERATIONS.map(operation),
  definitions,
});

function operation({ method, path, response }) {
  const { operationId, parameters, requestBody, responses } = description.paths[path][method];
  return {
    id: operationId,
    method: method.toUpperCase(),
    path,
    parameters: parameters.map(resolved).map(({ name, in: place, required = false, schema }) => ({
      name,
      in: place,
      required,
      schema: plain(schema),
    })),
    body: requestBody === undefined ? null : plain(requestBody.content['application/json'].schema),
    response: response === null ? null : plain(responses[response].content['application/json'].schema),
  };
}

function resolved(value) {
  return value.$ref === undefined ? value : at(value.$ref);
}

function at(ref) {
  return ref
    .slice(2)
    .split('/')
    .reduce((node, key) => node[key], description);
}

/** A schema as ajv reads it: without prose and examples, and with references into `definitions`. */
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== 'object' || schema === null) return schema;
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.split('/').at(-1);
    if (definitions[name] === undefined) {
      definitions[name] = {};
      definitions[name] = plain(at(schema.$ref));
    }
    return { $ref: `#/definitions/${name}` };
  }
  const kept = Object.entries(schema).filter(
    ([key, value]) =>
      !['example', 'examples', 'externalDocs', 'deprecated'].includes(key) &&
      !isProse(key, value) &&
      !key.startsWith('x-'),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, plain(value)]));
}

/** A property may be named `title` or `description` too; then it is a schema. */
function isProse(key, value) {
  return (key === 'description' || key === 'title') && typeof value === 'string';
}

/** An operation and a definition each on a line of its own. */
function write(file, { source, operations, definitions: named }) {
  const list = operations.map((each) => JSON.stringify(each)).join(',\n');
  const entries = Object.entries(named).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const parts = [
    `"source":${JSON.stringify(source)}`,
    `"operations":[\n${list}\n]`,
    `"definitions":{\n${entries.join(',\n')}\n}`,
  ];
  writeFileSync(join(target, file), `{${parts.join(',\n')}}\n`);
}
