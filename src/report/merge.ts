import { type JsonLimits, measureJson } from '../bytes/index.ts';
import { validate } from '../config/validate.ts';
import { nearest } from '../config/values.ts';
import { InputError } from '../errors/input-error.ts';
import type { Locate } from '../errors/place.ts';
import { readWhole } from '../files/index.ts';
import type { RunVerdict } from '../verdict/index.ts';
import { completed } from './complete.ts';
import { makeReportSet, type Report, type ReportSet } from './report.ts';
import { validateReport } from './report.validator.generated.js';

/** The schemaVersion that this version reads and writes. */
const SCHEMA_VERSION = 1;
/** A report of a thousand layers takes a few megabytes. */
const MAX_REPORT_BYTES = 64 * 1024 * 1024;
/** Of all reports that are merged, which are in memory together. */
const MAX_BYTES_IN_ALL = 256 * 1024 * 1024;
const LIMITS: JsonLimits = { depth: 32, containers: 500_000, keys: 2_000_000 };

/**
 * Reads report.json files, of one model or of several, and makes one verdict of them: the worst. The models stand in the order of
 * their names.
 * @param paths at least one
 * @param expected the models of which there must be a report: one that is missing was not checked; null where nobody knows them
 * @throws InputError for a file that is missing, damaged, of a newer version or that contradicts itself, for a model that
 * stands in two reports, and for one that is not expected: what cannot be read must not pass
 */
export function mergeReports(paths: readonly string[], version: string, expected: readonly string[] | null): ReportSet {
  const from = new Map<string, string>();
  let left = MAX_BYTES_IN_ALL;
  const reports = paths.flatMap((path) => {
    const text = readText(path, Math.min(left, MAX_REPORT_BYTES));
    left -= text.length;
    const own = readReports(path, text);
    for (const { model } of own) {
      const first = from.get(model);
      if (first !== undefined)
        throw new InputError(`reports a model that ${first} reports too; give each model once`, {
          file: path,
          key: 'model',
          value: model,
        });
      from.set(model, path);
    }
    return own;
  });
  if (expected !== null) refuseUnexpected(from, expected);
  const missing = (expected ?? []).filter((model) => !from.has(model)).sort();
  // By code unit: localeCompare differs between machines.
  const ordered = reports.sort((a, b) => (a.model < b.model ? -1 : 1));
  const set = makeReportSet(
    version,
    ordered,
    missing.map((model) => ({ model, message: 'there is no report of it' })),
  );
  return { ...set, completeness: expected === null ? 'unchecked' : 'checked' };
}

/**
 * The reports of a file that another run left.
 * @returns a sentence's end where they are of another version, and nothing can be compared
 * @throws InputError for a file that is missing, damaged or contradicts itself
 */
export function earlierReports(path: string): readonly Report[] | string {
  return earlierReportsIn(path, readText(path, MAX_REPORT_BYTES));
}

/** The same of the file's text. */
export function earlierReportsIn(path: string, text: string): readonly Report[] | string {
  const value = readJson(path, text);
  const version = 'schemaVersion' in value ? value.schemaVersion : undefined;
  if (typeof version === 'number' && version !== SCHEMA_VERSION)
    return `${path} is of schemaVersion ${version}, and this is ${SCHEMA_VERSION}`;
  return reportsIn(path, value);
}

function refuseUnexpected(from: ReadonlyMap<string, string>, expected: readonly string[]): void {
  for (const [model, path] of from) {
    if (expected.includes(model)) continue;
    const meant = nearest(model, expected);
    const hint = meant === null ? '' : `: is ${meant} meant?`;
    const problem = `reports a model that is none of the ${expected.length} to merge${hint}`;
    throw new InputError(problem, { file: path, key: 'model', value: model });
  }
}

/**
 * The reports in the text of a report.json.
 * @throws InputError for one that is damaged, of a newer version or that contradicts itself
 */
export function readReports(path: string, text: string): readonly Report[] {
  return reportsIn(path, readJson(path, text));
}

function reportsIn(path: string, value: object): readonly Report[] {
  requireVersion(path, value);
  if (!('reports' in value)) return [readReport(path, value, [])];
  const { reports } = value;
  if (!Array.isArray(reports) || reports.length === 0)
    throw new InputError('must be a list of at least one report', { file: path, key: 'reports' });
  const { errors = [] } = value as { readonly errors?: unknown };
  if (!Array.isArray(errors) || errors.length > 0)
    throw new InputError('says that models could not be checked: merge reports of runs that checked theirs', {
      file: path,
      key: 'errors',
    });
  const read = reports.map((report, k) => readReport(path, report, ['reports', k]));
  const worst = makeReportSet('', read).verdict;
  if ('verdict' in value && value.verdict !== worst)
    throw new InputError(`contradicts its reports, of which the worst is ${worst}: was it edited?`, {
      ...{ file: path, key: 'verdict', value: value.verdict },
    });
  return read;
}

function readReport(path: string, value: unknown, within: readonly (string | number)[]): Report {
  const at: Locate = (keys) => ({ file: path, line: null, key: keyOf([...within, ...keys]) });
  const report = completed(validate<Parameters<typeof completed>[0]>(validateReport, value, at));
  const refuse = (key: string, problem: string, found: unknown): InputError =>
    new InputError(problem, { file: path, key: keyOf([...within, key]), value: found });
  const { verdict, conclusion, layers, totals } = report;
  if (verdict === null) throw refuse('verdict', 'is of one side alone: merge the reports of prunegate check', verdict);
  for (const kind of ['match', 'mismatch', 'ambiguous', 'unverifiable'] as const) {
    const count = layers.filter((layer) => layer.verdict === kind).length;
    if (totals[kind] !== count)
      throw refuse(`totals.${kind}`, `contradicts its ${count} layers of that verdict: was it edited?`, totals[kind]);
  }
  if (totals.layers !== layers.length)
    throw refuse('totals.layers', `contradicts its ${layers.length} layers: was it cut off?`, totals.layers);
  const unborne = layers.findIndex(
    (layer) =>
      layer.verdict === 'match' && (layer.actual === null || layer.missing.length + layer.unexpected.length > 0),
  );
  if (unborne >= 0)
    throw refuse(`layers[${unborne}].verdict`, 'contradicts the filters beside it: was it edited?', 'match');
  const least = leastVerdict(report);
  if (SEVERITY.indexOf(verdict) < SEVERITY.indexOf(least))
    throw refuse('verdict', `contradicts what it reports, which is ${least}: was it edited?`, verdict);
  if (conclusion === null || (conclusion === 'success' && verdict !== 'conforms'))
    throw refuse('conclusion', `contradicts the verdict ${verdict}: was it edited?`, conclusion);
  return report;
}

const SEVERITY: readonly RunVerdict[] = ['conforms', 'unverifiable', 'diverges'];

/** What a report's own parts make of it at least. */
function leastVerdict({ layers, findings, execution }: Report): RunVerdict {
  const has = (kind: string): boolean =>
    layers.some((layer) => layer.verdict === kind) || findings.some((finding) => finding.verdict === kind);
  if (has('mismatch') || execution?.verdict === 'different') return 'diverges';
  return has('unverifiable') || layers.length === 0 ? 'unverifiable' : 'conforms';
}

function readText(path: string, limit: number): string {
  const { bytes } = readWhole(path, limit, (problem) => new InputError(problem, { file: path }));
  return new TextDecoder().decode(bytes);
}

function readJson(path: string, text: string): object {
  measureJson(text, LIMITS, (problem) => new InputError(`is no report.json: it ${problem}`, { file: path }));
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Reported below: where a parser stopped helps nobody with a file that a program wrote.
  }
  throw new InputError('is no report.json: it is not a JSON object, or is cut off', { file: path });
}

function requireVersion(path: string, value: object): void {
  const found = 'schemaVersion' in value ? value.schemaVersion : undefined;
  if (found === SCHEMA_VERSION) return;
  const isNewer = typeof found === 'number' && found > SCHEMA_VERSION;
  throw new InputError(
    isNewer
      ? `is a report of a newer prunegate: this one reads version ${SCHEMA_VERSION}; merge with the version that checked`
      : `must be ${SCHEMA_VERSION}: is this a report.json?`,
    { file: path, key: 'schemaVersion', value: found },
  );
}

function keyOf(keys: readonly (string | number)[]): string {
  return keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : key))
    .join('.')
    .replaceAll('.[', '[');
}
