import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';

/**
 * GitHub's API for one pull request, on this machine: keeps comments and check runs as GitHub does, holds every request (and its own answers) against
 * GitHub's OpenAPI description, and plays the faults that it is told to.
 */
export interface GitHubApi {
  readonly url: string;
  readonly requests: readonly ApiRequest[];
  /** What a request, or an answer of ours, had that GitHub's description does not allow. */
  readonly violations: readonly string[];
  readonly comments: readonly ApiComment[];
  readonly checkRuns: readonly ApiCheckRun[];
  /** As if somebody had written it. */
  addComment(body: string, author: Author): ApiComment;
  close(): Promise<void>;
}

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

export interface ApiComment {
  readonly id: number;
  body: string;
  readonly author: Author;
}

export interface ApiCheckRun {
  readonly id: number;
  readonly name: string;
  readonly headSha: string;
  readonly conclusion: string;
  readonly title: string;
  readonly summary: string;
  readonly annotations: readonly Readonly<Record<string, unknown>>[];
}

export interface Author {
  readonly login: string;
  readonly type: 'User' | 'Bot';
}

/** What happens instead to the first `times` requests whose method and path match. */
export interface Fault {
  readonly on: RegExp;
  readonly times?: number;
  readonly play: /** By hand: over the bare connection. */
    | { readonly wire: string }
    | 'cut'
    | 'hang'
    /** Carried out, but the answer gets lost. */
    | 'cut-after'
    | {
        readonly status: number;
        readonly headers?: Readonly<Record<string, string>>;
        readonly message?: string;
        /** As it goes over the wire, whatever the headers say. */
        readonly body?: string | Uint8Array;
      };
}

/** A file's content; or what lies there instead. Folders come of the paths. */
export type ApiFile = string | Uint8Array | { readonly type: 'symlink' | 'submodule' };

/** A run of the repository's own where nothing else is said. */
export interface ApiRun {
  readonly id: number;
  readonly branch: string;
  readonly workflow?: string;
  readonly event?: string;
  readonly conclusion?: string;
  readonly isOfFork?: boolean;
  readonly artifacts?: readonly {
    readonly id: number;
    readonly name: string;
    /** Where its bytes lie: GitHub sends who asks for them there. */
    readonly location: string;
    readonly bytes?: number;
    readonly isExpired?: boolean;
  }[];
}

export interface ApiOptions {
  /** `owner/name` */
  readonly repository: string;
  readonly pullRequest: number;
  readonly headSha: string;
  /** `owner:branch` */
  readonly head?: string;
  readonly token?: string;
  /** Whose token it is. */
  readonly viewer?: Author;
  readonly faults?: readonly Fault[];
  /** What the repository holds at a commit, by path. */
  readonly files?: Readonly<Record<string, Readonly<Record<string, ApiFile>>>>;
  /** Runs of workflows, newest first. */
  readonly runs?: readonly ApiRun[];
  readonly tls?: { readonly key: string; readonly cert: string };
}

export const ACTIONS_BOT: Author = { login: 'github-actions[bot]', type: 'Bot' };
export const TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz';
const MAX_BODY = 65_536;

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query';
    readonly required: boolean;
    readonly schema: object;
  }[];
  readonly body: { readonly properties?: Readonly<Record<string, unknown>> } | null;
  readonly response: object | null;
}

const extract: { readonly operations: readonly Operation[]; readonly definitions: object } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/github/openapi.json'), 'utf8'),
);
// OpenAPI 3.0 has `nullable` and formats that ajv's strict mode does not know.
const inBody = new Ajv({ strict: false, validateFormats: false, allErrors: true });
/** Everything in a path or a query is text. */
const inUrl = new Ajv({ strict: false, validateFormats: false, allErrors: true, coerceTypes: true });
const compiled = new Map<object, ValidateFunction>();

function problems(ajv: Ajv, schema: object, value: unknown): string[] {
  const validate = compiled.get(schema) ?? ajv.compile({ ...schema, definitions: extract.definitions });
  compiled.set(schema, validate);
  return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Instead of the body as JSON. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startGitHubApi(options: ApiOptions): Promise<GitHubApi> {
  const requests: ApiRequest[] = [];
  const violations: string[] = [];
  const comments: ApiComment[] = [];
  const checkRuns: ApiCheckRun[] = [];
  const left = (options.faults ?? []).map((fault) => ({ ...fault, times: fault.times ?? Number.POSITIVE_INFINITY }));
  let nextId = 1000;

  const addComment = (body: string, author: Author): ApiComment => {
    const comment = { id: nextId++, body, author };
    comments.push(comment);
    return comment;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await bodyOf(request);
    const url = new URL(request.url ?? '/', 'http://local');
    const method = request.method ?? '';
    let body: unknown = null;
    try {
      body = text === '' ? null : JSON.parse(text);
    } catch {
      violations.push(`${method} ${url.pathname}: the body is no JSON`);
    }
    requests.push({ method, path: url.pathname + url.search, body, headers: request.headers });
    const fault = left.find(({ on, times }) => times > 0 && on.test(`${method} ${url.pathname}`));
    if (fault !== undefined) {
      fault.times--;
      if (fault.play === 'hang') return;
      if (fault.play === 'cut') return void request.socket.destroy();
      if (fault.play === 'cut-after') {
        respond(method, url, body, request.headers);
        return void request.socket.destroy();
      }
      if ('wire' in fault.play) return void request.socket.end(fault.play.wire);
      const { status, headers = {}, message = 'a fault', body: raw } = fault.play;
      const told = { message, documentation_url: 'https://docs.github.com/rest' };
      return send(response, { status, headers, ...(raw === undefined ? { body: told } : { body: null, raw }) });
    }
    send(response, respond(method, url, body, request.headers));
  };

  const respond = (method: string, url: URL, body: unknown, headers: IncomingMessage['headers']): Answer => {
    if (headers.authorization !== `token ${options.token ?? TOKEN}`)
      return { status: 401, body: { message: 'Bad credentials' } };
    if (!/^[\w.-]+\/\S+/.test(headers['user-agent'] ?? '')) return { status: 403, body: { message: 'no user agent' } };
    if (method === 'POST' && url.pathname.endsWith('/graphql')) return graphql(body);
    for (const operation of extract.operations) {
      const parameters = operation.method === method ? pathParameters(operation.path, url.pathname) : null;
      if (parameters === null) continue;
      const wrong = [...wrongParameters(operation, parameters, url.searchParams), ...wrongBody(operation, body)];
      if (wrong.length > 0) {
        violations.push(...wrong.map((problem) => `${operation.id}: ${problem}`));
        return { status: 422, body: { message: 'Validation Failed', errors: wrong } };
      }
      if (`${parameters['owner']}/${parameters['repo']}` !== options.repository)
        return { status: 404, body: { message: 'Not Found' } };
      const answer = perform(
        operation.id,
        { ...parameters, accept: headers.accept ?? '' },
        url,
        (body ?? {}) as Readonly<Record<string, unknown>>,
      );
      if (operation.response !== null && answer.status < 300 && answer.raw === undefined) {
        const wrongAnswer = problems(inBody, operation.response, answer.body);
        violations.push(...wrongAnswer.map((problem) => `answer of ${operation.id}: ${problem}`));
      }
      return answer;
    }
    violations.push(`${method} ${url.pathname}: no operation that the action may use`);
    return { status: 404, body: { message: 'Not Found' } };
  };

  /** Of GraphQL the action asks one thing only. */
  const graphql = (body: unknown): Answer => {
    const { query } = body as { readonly query?: string };
    if (query !== 'query { viewer { login } }') violations.push(`graphql: ${query}`);
    return { status: 200, body: { data: { viewer: { login: (options.viewer ?? ACTIONS_BOT).login } } } };
  };

  const perform = (
    id: string,
    parameters: Readonly<Record<string, string>>,
    url: URL,
    body: Readonly<Record<string, unknown>>,
  ): Answer => {
    const missing: Answer = { status: 404, body: { message: 'Not Found' } };
    switch (id) {
      case 'issues/list-comments':
        return Number(parameters['issue_number']) === options.pullRequest ? pageOf(url, comments.map(shown)) : missing;
      case 'issues/create-comment':
      case 'issues/update-comment': {
        const comment = comments.find((each) => each.id === Number(parameters['comment_id']));
        if (id === 'issues/update-comment' && comment === undefined) return missing;
        const text = String(body['body']);
        if ([...text].length > MAX_BODY) {
          const message = `Validation Failed: Body is too long (maximum is ${MAX_BODY} characters)`;
          return { status: 422, body: { message } };
        }
        if (comment === undefined) return { status: 201, body: shown(addComment(text, options.viewer ?? ACTIONS_BOT)) };
        comment.body = text;
        return { status: 200, body: shown(comment) };
      }
      case 'issues/delete-comment': {
        const at = comments.findIndex((each) => each.id === Number(parameters['comment_id']));
        if (at < 0) return missing;
        comments.splice(at, 1);
        return { status: 204, body: null };
      }
      case 'pulls/get':
        return Number(parameters['pull_number']) === options.pullRequest ? { status: 200, body: pull() } : missing;
      case 'pulls/list':
        return {
          status: 200,
          body: url.searchParams.get('head') === (options.head ?? 'octo:branch') ? [pull()] : [],
        };
      case 'checks/create':
      case 'checks/update': {
        const old = checkRuns.find((run) => run.id === Number(parameters['check_run_id']));
        if (id === 'checks/update' && old === undefined) return missing;
        const output = body['output'] as Readonly<Record<string, unknown>>;
        const run: ApiCheckRun = {
          id: old?.id ?? nextId++,
          name: String(body['name'] ?? old?.name),
          headSha: String(body['head_sha'] ?? old?.headSha),
          conclusion: String(body['conclusion'] ?? old?.conclusion),
          title: String(output['title']),
          summary: String(output['summary']),
          annotations: [...(old?.annotations ?? []), ...(output['annotations'] as ApiCheckRun['annotations'])],
        };
        if (old === undefined) checkRuns.push(run);
        else checkRuns[checkRuns.indexOf(old)] = run;
        return { status: old === undefined ? 201 : 200, body: shownRun(run) };
      }
      case 'repos/get-content': {
        const at = url.searchParams.get('ref') ?? '';
        return contentOf(options.files?.[at] ?? {}, at, parameters['path'] ?? '', parameters['accept'] ?? '');
      }
      case 'actions/list-workflow-runs':
        return runsOf(options.runs ?? [], parameters['workflow_id'] ?? '', url.searchParams);
      case 'actions/list-workflow-run-artifacts': {
        const run = options.runs?.find((each) => each.id === Number(parameters['run_id']));
        return run === undefined ? missing : artifactsOf(run, url.searchParams.get('name'), options.repository);
      }
      case 'actions/download-artifact': {
        const all = (options.runs ?? []).flatMap(({ artifacts = [] }) => artifacts);
        const found = all.find((each) => each.id === Number(parameters['artifact_id']));
        if (found === undefined) return missing;
        return { status: 302, body: null, raw: '', headers: { location: found.location } };
      }
      case 'git/get-tree':
        return treeOf(options.files ?? {}, parameters['tree_sha'] ?? '');
      default:
        return missing;
    }
  };

  const pull = () => ({
    number: options.pullRequest,
    state: 'open',
    head: { sha: options.headSha },
    base: { repo: { full_name: options.repository } },
  });

  const shown = ({ id, body, author }: ApiComment) => ({
    id,
    node_id: 'IC_1',
    url: `https://api.github.com/repos/${options.repository}/issues/comments/${id}`,
    html_url: `https://github.com/${options.repository}/pull/${options.pullRequest}#issuecomment-${id}`,
    body,
    user: userOf(author),
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    issue_url: `https://api.github.com/repos/${options.repository}/issues/${options.pullRequest}`,
    author_association: 'NONE',
  });

  const shownRun = (run: ApiCheckRun) => ({
    id: run.id,
    node_id: 'CR_1',
    name: run.name,
    head_sha: run.headSha,
    external_id: '',
    url: `https://api.github.com/repos/${options.repository}/check-runs/${run.id}`,
    html_url: `https://github.com/${options.repository}/runs/${run.id}`,
    details_url: null,
    status: 'completed',
    conclusion: run.conclusion,
    started_at: '2026-01-01T00:00:00Z',
    completed_at: '2026-01-01T00:00:00Z',
    output: {
      title: run.title,
      summary: run.summary,
      text: null,
      annotations_count: run.annotations.length,
      annotations_url: `https://api.github.com/repos/${options.repository}/check-runs/${run.id}/annotations`,
    },
    check_suite: { id: 1 },
    app: null,
    pull_requests: [],
  });

  /** Pages as GitHub makes them: 30 entries unless told, 100 at most, and a Link header while there are more. */
  const pageOf = (url: URL, all: readonly unknown[]): Answer => {
    const size = Math.min(Number(url.searchParams.get('per_page') ?? 30), 100);
    const page = Number(url.searchParams.get('page') ?? 1);
    const next = new URL(url.pathname + url.search, api.url);
    next.searchParams.set('page', String(page + 1));
    const headers = page * size < all.length ? { link: `<${next}>; rel="next"` } : {};
    return { status: 200, headers, body: all.slice((page - 1) * size, page * size) };
  };

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      violations.push(String(error));
      request.socket.destroy();
    });
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const api: GitHubApi = {
    url: options.tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    requests,
    violations,
    comments,
    checkRuns,
    addComment,
    close: () => closed(server),
  };
  return api;
}

const NOT_FOUND: Answer = { status: 404, body: { message: 'Not Found' } };

/** As GitHub answers for a file's bytes: with JSON where there is no file, and with 404 behind a link to a folder. */
function contentOf(files: Readonly<Record<string, ApiFile>>, commit: string, path: string, accept: string): Answer {
  const url = `https://api.github.com/repos/octo/pruned/contents/${path}?ref=${commit}`;
  const described = (type: string, extra: object) => ({
    ...{ type, size: 1, name: path.split('/').at(-1), path, sha: shaOf(path), url, git_url: url, html_url: url },
    ...{ download_url: url, _links: { git: url, html: url, self: url } },
    ...extra,
  });
  const found = files[path];
  if (found === undefined) {
    const below = Object.keys(files).filter((name) => name.startsWith(`${path}/`));
    return below.length === 0 ? NOT_FOUND : { status: 200, body: below.map(() => described('file', {})) };
  }
  if (typeof found === 'object' && 'type' in found) {
    const extra = found.type === 'symlink' ? { target: '../elsewhere' } : { submodule_git_url: url };
    return { status: 200, body: described(found.type, extra) };
  }
  if (/raw/.test(accept))
    return {
      status: 200,
      body: null,
      raw: found,
      headers: { 'content-type': 'application/vnd.github.raw; charset=utf-8' },
    };
  const content = Buffer.from(found).toString('base64').replace(/.{60}/g, '$&\n');
  return { status: 200, body: described('file', { encoding: 'base64', content }) };
}

/** GitHub's branch is a name alone, which a fork's branch may have as well. */
function runsOf(runs: readonly ApiRun[], workflow: string, query: URLSearchParams): Answer {
  const shown = runs.filter(
    ({ branch, workflow: file = 'prune.yml', conclusion = 'success' }) =>
      file === workflow && branch === query.get('branch') && conclusion === (query.get('status') ?? conclusion),
  );
  const entries = shown.map(({ id, branch, event = 'push', conclusion = 'success', isOfFork = false }) => ({
    ...{ id, event, conclusion, head_branch: branch, status: 'completed' },
    ...{ repository: { id: 1 }, head_repository: { id: isOfFork ? 2 : 1 } },
  }));
  return { status: 200, body: { total_count: entries.length, workflow_runs: entries } };
}

function artifactsOf({ artifacts = [] }: ApiRun, name: string | null, repository: string): Answer {
  const shown = artifacts.filter((each) => name === null || each.name === name);
  const entries = shown.map(({ id, name: own, bytes = 1000, isExpired = false }) => ({
    ...{ id, node_id: 'A_1', name: own, size_in_bytes: bytes, expired: isExpired },
    url: `https://api.github.com/repos/${repository}/actions/artifacts/${id}`,
    archive_download_url: `https://api.github.com/repos/${repository}/actions/artifacts/${id}/zip`,
    ...{ created_at: '2026-01-01T00:00:00Z', expires_at: '2026-04-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' },
  }));
  return { status: 200, body: { total_count: entries.length, artifacts: entries } };
}

/** One level of a commit, or of a tree that was listed before. */
function treeOf(commits: Readonly<Record<string, Readonly<Record<string, ApiFile>>>>, sha: string): Answer {
  const listed = Object.entries(commits).flatMap(([commit, files]) => {
    const folders = ['', ...Object.keys(files).flatMap(foldersOf)];
    return folders.map((folder) => ({ folder, files, sha: folder === '' ? commit : shaOf(folder) }));
  });
  const tree = listed.find((each) => each.sha === sha);
  if (tree === undefined) return NOT_FOUND;
  const under = tree.folder === '' ? '' : `${tree.folder}/`;
  const inside = Object.entries(tree.files).filter(([path]) => path.startsWith(under));
  const entries = new Map(
    inside.map(([path, file]) => {
      const [name, ...rest] = path.slice(under.length).split('/');
      return [name!, { path: name!, sha: shaOf(`${under}${name}`), ...kindOf(rest.length > 0, file) }];
    }),
  );
  return { status: 200, body: { sha, url: 'https://api.github.com', tree: [...entries.values()], truncated: false } };
}

function kindOf(isFolder: boolean, file: ApiFile): { readonly mode: string; readonly type: string } {
  if (isFolder) return { mode: '040000', type: 'tree' };
  if (typeof file === 'string' || file instanceof Uint8Array) return { mode: '100644', type: 'blob' };
  return file.type === 'symlink' ? { mode: '120000', type: 'blob' } : { mode: '160000', type: 'commit' };
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, k) => parts.slice(0, k + 1).join('/'));
}

function shaOf(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function pathParameters(template: string, path: string): Record<string, string> | null {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const pattern = new RegExp(`^(?:/api/v3)?${template.replace(/\{\w+\}/g, '([^/]+)')}$`);
  const match = pattern.exec(path);
  return match === null ? null : Object.fromEntries(names.map((name, k) => [name, decodeURIComponent(match[k + 1]!)]));
}

function wrongParameters(
  operation: Operation,
  inPath: Readonly<Record<string, string>>,
  query: URLSearchParams,
): string[] {
  const known = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const unknown = [...query.keys()].filter((name) => !known.includes(name)).map((name) => `unknown parameter ${name}`);
  const wrong = operation.parameters.flatMap(({ name, in: place, required, schema }) => {
    const value = place === 'path' ? inPath[name] : (query.get(name) ?? undefined);
    if (value === undefined) return required ? [`missing parameter ${name}`] : [];
    return problems(inUrl, { type: 'object', properties: { [name]: schema } }, { [name]: value });
  });
  return [...unknown, ...wrong];
}

function wrongBody({ body: schema }: Operation, body: unknown): string[] {
  if (schema === null) return body === null ? [] : ['a body that nobody reads'];
  // GitHub ignores what it does not know, so that a mistyped key would go unnoticed.
  const unknown = Object.keys((body ?? {}) as object).filter((key) => schema.properties?.[key] === undefined);
  return [...problems(inBody, schema, body), ...unknown.map((key) => `unknown key ${key}`)];
}

function userOf({ login, type }: Author) {
  const url = `https://api.github.com/users/${login}`;
  const urls = ['followers', 'following', 'gists', 'starred', 'subscriptions', 'organizations', 'repos', 'events'];
  return {
    login,
    id: 1,
    node_id: 'U_1',
    avatar_url: url,
    gravatar_id: '',
    url,
    html_url: `https://github.com/${login}`,
    ...Object.fromEntries(urls.map((name) => [`${name}_url`, `${url}/${name}`])),
    received_events_url: `${url}/received_events`,
    type,
    site_admin: false,
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, headers = {}, body, raw }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(status === 204 ? undefined : (raw ?? JSON.stringify(body)));
}
