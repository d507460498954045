import type { Log, ReportingDescriptor, Result, Run } from 'sarif';
import { oneLine } from '../errors/input-error.ts';
import { sha256 } from '../files/index.ts';
import { joined } from '../prose/index.ts';
import type { Finding } from '../verdict/index.ts';
import { cutText } from './escape.ts';
import { renderJson } from './json.ts';
import type { ModelError, Report, ReportSet } from './report.ts';
import { repositoryPath } from './repository-path.ts';
import { type RuleId, SARIF_RULES } from './sarif-rules.ts';

/** GitHub takes 20 runs of a file ("SARIF results exceed limits"), and refuses a second run of one category. */
const MAX_RUNS = 20;
/** GitHub takes 25,000 results of a run and shows 5,000. */
const MAX_RESULTS = 5000;
/** GitHub takes 10 MB of a gzipped file. Of text, this is never more when it is compressed. */
const MAX_CHARACTERS = 6_000_000;
const MAX_LINE = 400;
const MAX_LINES = 20;
/** Of our rules' names and categories. */
const PREFIX = 'prunegate/';
const ROOT = '%SRCROOT%';
/** The one that GitHub tells alerts apart by. upload-sarif would make it of the line's text, and two findings on one line would be one alert. */
const FINGERPRINT = 'primaryLocationLineHash';
/** Where findings stand that belong to no file: code scanning takes no result without a place. */
const ANYWHERE = 'prunegate.yml';
/** What a reader of an alert can learn of the tool. */
const HOME = 'https://github.com/prunegate/prunegate';
const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/**
 * SARIF 2.1.0 as GitHub's code scanning reads it: a run for each model, a result for each finding, worst first. Each run has a category of its own, so
 * that the legs of a matrix can be uploaded one by one.
 */
export function renderSarif(result: Report | ReportSet): string {
  const { reports, errors } = 'reports' in result ? result : { reports: [result], errors: [] };
  const isWhole = reports.length + errors.length > MAX_RUNS;
  const one = (model: string, found: Found): Run => run(`${PREFIX}${model}/`, result.tool.version, found, room);
  const room = MAX_CHARACTERS / (isWhole ? 1 : reports.length + errors.length);
  const runs = isWhole
    ? [run(PREFIX, result.tool.version, [...errors.map(errorResult), ...reports.flatMap(resultsOf)], room)]
    : [
        ...reports.map((report) => one(report.model, resultsOf(report))),
        ...errors.map((error) => one(error.model, [errorResult(error)])),
      ];
  const log: Log = { $schema: SCHEMA, version: '2.1.0', runs };
  return renderJson(log);
}

/** Results that are made when they are wanted: of many, not all fit. */
type Found = readonly (() => Result)[];

/** What does not fit is counted: a file that is refused shows nothing at all. */
function run(category: string, version: string, found: Found, room: number): Run {
  const shown: Result[] = [];
  let left = room;
  for (const make of found) {
    const result = make();
    // Indented, it takes less than twice as much.
    left -= JSON.stringify(result).length * 2;
    if (left < 0 || shown.length === MAX_RESULTS - 1) break;
    shown.push(result);
  }
  const hidden = found.length - shown.length;
  const results = counted(hidden === 0 ? shown : [...shown, moreResult(hidden)]);
  const rules = new Set(results.map(({ ruleId }) => ruleId!.slice(PREFIX.length) as RuleId));
  return {
    tool: {
      driver: { name: 'prunegate', semanticVersion: version, informationUri: HOME, rules: [...rules].map(ruleOf) },
    },
    automationDetails: { id: category },
    originalUriBaseIds: { [ROOT]: { description: { text: 'The root of the repository.' } } },
    columnKind: 'utf16CodeUnits',
    results,
  };
}

function ruleOf(id: RuleId): ReportingDescriptor {
  const { name, short, help } = SARIF_RULES[id];
  return {
    id: `${PREFIX}${id}`,
    name,
    shortDescription: { text: `${short}.` },
    fullDescription: { text: `${short}. ${help}` },
    help: { text: help, markdown: help },
    defaultConfiguration: { level: 'error' },
    properties: { tags: ['pruning'] },
  };
}

function resultsOf(report: Report): Found {
  const elsewhere = usualFile(report);
  const results = report.findings.map((finding) => () => findingResult(finding, report, elsewhere));
  const isAmbiguous = report.verdict === 'conforms' && report.conclusion === 'failure';
  return isAmbiguous ? [...results, () => ambiguousResult(report, elsewhere)] : results;
}

/** The file that the rest of a model's findings point to. */
function usualFile({ findings, lints }: Report): string | null {
  return (
    [...findings.map(({ place }) => place.file), ...lints.map(({ file }) => file)].find(
      (file) => repositoryPath(file) !== null,
    ) ?? null
  );
}

function findingResult(finding: Finding, report: Report, elsewhere: string | null): Result {
  const { kind, verdict, title, details, layers, place } = finding;
  const isFailing = report.conclusion === 'failure' && (verdict === 'mismatch' || report.verdict === 'unverifiable');
  const isPlaced = repositoryPath(place.file) !== null;
  return resultOf({
    rule: kind,
    // As annotations: what does not fail the gate warns.
    level: isFailing ? 'error' : 'warning',
    model: report.model,
    layers,
    file: isPlaced ? place.file : elsewhere,
    line: isPlaced ? place.line : null,
    lines: [title, ...details],
    ...(layers.length > 0 ? {} : { subject: (kind === 'gate' ? place.key : null) ?? title }),
  });
}

function ambiguousResult({ model, layers }: Report, elsewhere: string | null): Result {
  const names = layers.filter(({ verdict }) => verdict === 'ambiguous').map(({ name }) => name);
  return resultOf({
    ...{ rule: 'ambiguous', level: 'error', model, layers: names, file: elsewhere, line: null },
    lines: [`${joined(names)} ${names.length === 1 ? 'is' : 'are'} ambiguous, which fail-on names`],
  });
}

function errorResult({ model, message }: ModelError): () => Result {
  return () =>
    resultOf({
      ...{ rule: 'not-checked', level: 'error', model, layers: [], file: null, line: null },
      lines: [`${model} was not checked`, message],
    });
}

function moreResult(hidden: number): Result {
  return resultOf({
    ...{ rule: 'more', level: 'error', model: '', layers: [], file: null, line: null },
    lines: [`${hidden} more findings did not fit here; report.json has them all.`],
  });
}

interface Parts {
  readonly rule: RuleId;
  readonly level: 'error' | 'warning';
  readonly model: string;
  readonly layers: readonly string[];
  /** As it is in a report. */
  readonly file: string | null;
  readonly line: number | null;
  /** The first is the title. */
  readonly lines: readonly string[];
  /** What it is about, where that is no layer. */
  readonly subject?: string;
}

function resultOf({ rule, level, model, layers, file, line, lines, subject = '' }: Parts): Result {
  const shown = lines
    .slice(0, MAX_LINES)
    .map((text) => messageText(cutText(oneLine(cutText(text, MAX_LINE)), MAX_LINE)));
  const [first] = layers;
  return {
    ruleId: `${PREFIX}${rule}`,
    level,
    message: { text: shown.join('\n') },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(repositoryPath(file) ?? ANYWHERE), uriBaseId: ROOT },
          region: { startLine: Math.max(line ?? 1, 1) },
        },
        ...(first === undefined ? {} : { logicalLocations: [logical(model, first)] }),
      },
    ],
    partialFingerprints: { [FINGERPRINT]: fingerprint([rule, model, ...layers, subject]) },
    properties: { model: oneLine(model) },
  };
}

function logical(model: string, layer: string): { name: string; fullyQualifiedName: string; kind: string } {
  const name = cutText(oneLine(layer), MAX_LINE);
  return { name, fullyQualifiedName: `${oneLine(model)}/${name}`, kind: 'object' };
}

/** What an alert is known again by: what it is about, not what numbers it has or on which line it stands. */
function fingerprint(parts: readonly string[]): string {
  return sha256().update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** Alerts of one fingerprint would be one: they are counted, as GitHub counts equal lines. */
function counted(results: readonly Result[]): Result[] {
  const seen = new Map<string, number>();
  return results.map((result) => {
    const print = result.partialFingerprints?.[FINGERPRINT] ?? '';
    const count = (seen.get(print) ?? 0) + 1;
    seen.set(print, count);
    return { ...result, partialFingerprints: { [FINGERPRINT]: `${print}:${count}` } };
  });
}

/** Nothing in a message is a link or a placeholder (SARIF 2.1.0, 3.11.5 and 3.11.6). */
function messageText(text: string): string {
  return text.replace(/\](?=\()/g, '\\]').replace(/\{(\d+)\}/g, '{{$1}}');
}

/** A path as a relative URI: a colon in its first part would make a scheme of it. */
function uriOf(path: string): string {
  return path
    .split('/')
    .map((part) => encodeURIComponent(oneLine(part)))
    .join('/');
}
