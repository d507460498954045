import { createRequire } from 'node:module';

/** Its types describe an ES module, which it is not. */
const examples: readonly { readonly name: string; readonly examples: readonly unknown[] }[] = createRequire(
  import.meta.url,
)('@octokit/webhooks-examples');

/** A webhook payload that GitHub really sent, parts of it replaced: `{ 'pull_request.head.repo.full_name': 'somebody/fork' }`. */
export function payload(
  name: string,
  changes: Readonly<Record<string, unknown>> = {},
  pick: (example: Readonly<Record<string, unknown>>) => boolean = () => true,
): Record<string, unknown> {
  const found = examples.find((event) => event.name === name)?.examples.find((example) => pick(fields(example)));
  if (found === undefined) throw new Error(`no such example: ${name}`);
  const event = fields(structuredClone(found));
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    const last = keys.pop()!;
    keys.reduce((parent, key) => fields(parent[key]), event)[last] = value;
  }
  return event;
}

function fields(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return value as Record<string, unknown>;
}
