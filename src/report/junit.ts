import { filterWords } from '../prose/index.ts';
import type { Finding } from '../verdict/index.ts';
import { cutText } from './escape.ts';
import type { ModelError, Report, ReportLayer, ReportSet } from './report.ts';
import { type Element, xmlDocument } from './xml.ts';

/** Nobody reads on; a report of thousands of layers must stay one that a server takes. */
const MAX_LINE = 1000;
const MAX_LINES = 40;

/**
 * JUnit's XML as Jenkins describes it (xunit-plugin, junit-10.xsd) and dorny/test-reporter, EnricoMi/publish-unit-test-result-action and GitLab read it:
 * a suite for each model, a case for each layer, and one for each finding that no layer shows. What diverges is a failure, what could not be verified an
 * error: a skipped test would look fine. Nothing in it changes with the clock.
 */
export function renderJUnit(result: Report | ReportSet): string {
  const { reports, errors } = 'reports' in result ? result : { reports: [result], errors: [] };
  const suites = [...reports.map(modelSuite), ...errors.map(errorSuite)];
  const sum = (key: string): number => suites.reduce((n, { attributes }) => n + Number(attributes[key]), 0);
  const totals = { tests: sum('tests'), failures: sum('failures'), errors: sum('errors') };
  return xmlDocument({
    name: 'testsuites',
    attributes: { name: 'prunegate', ...totals, time: '0' },
    children: suites,
  });
}

function modelSuite(report: Report): Element {
  const wrong = new Set(report.layers.filter((layer) => outcomeOf(layer, report) !== null).map(({ name }) => name));
  const others = report.findings.filter((finding) => !isShown(finding, wrong));
  const told = byLayer(report.findings);
  const cases = [
    ...report.layers.map((layer) => layerCase(layer, report, told.get(layer.name) ?? [])),
    ...others.map((finding) => findingCase(finding, report.model)),
  ];
  return suite(report.model, cases, propertiesOf(report));
}

function byLayer(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const told = new Map<string, Finding[]>();
  for (const finding of findings)
    for (const name of finding.layers) {
      const own = told.get(name);
      if (own === undefined) told.set(name, [finding]);
      else own.push(finding);
    }
  return told;
}

/** Whether a layer that does not pass shows it. */
function isShown({ kind, layers }: Finding, wrong: ReadonlySet<string>): boolean {
  return kind === 'layers' && layers.length > 0 && layers.every((name) => wrong.has(name));
}

function errorSuite({ model, message }: ModelError): Element {
  const failed = problem('error', 'not-checked', `${model} was not checked`, [message]);
  return suite(model, [{ ...testCase('prunegate', model), children: [failed] }], []);
}

function suite(model: string, cases: readonly Element[], properties: readonly Element[]): Element {
  const count = (name: string): number =>
    cases.filter(({ children = [] }) => children.some((child) => child.name === name)).length;
  return {
    name: 'testsuite',
    attributes: {
      name: model,
      tests: cases.length,
      failures: count('failure'),
      errors: count('error'),
      skipped: count('skipped'),
      time: '0',
    },
    children: [
      ...(properties.length === 0 ? [] : [{ name: 'properties', attributes: {}, children: properties }]),
      ...cases,
    ],
  };
}

function propertiesOf(report: Report): readonly Element[] {
  const { verdict, conclusion, dialect, specSummary, tool, totals } = report;
  const entries = {
    ...{ verdict, conclusion, dialect, spec: specSummary, prunegate: tool.version },
    ...{ 'filters.dense': totals.filters.dense, 'filters.retained': totals.filters.retained },
    ...{ 'parameters.dense': totals.parameters.dense, 'parameters.pruned': totals.parameters.pruned },
  };
  return Object.entries(entries).flatMap(([name, value]) =>
    value === null ? [] : [{ name: 'property', attributes: { name, value } }],
  );
}

/** The group is the model, which is the suite's name: readers leave it out. */
function testCase(name: string, group: string): Element {
  return { name: 'testcase', attributes: { name, classname: group, time: '0' } };
}

function layerCase(layer: ReportLayer, report: Report, told: readonly Finding[]): Element {
  const outcome = outcomeOf(layer, report);
  const one = testCase(layer.name, report.model);
  if (outcome !== null) {
    const said = problem(outcome, layer.verdict ?? '', differenceOf(layer), linesOf(layer, told));
    return { ...one, children: [said] };
  }
  if (layer.verdict === null)
    return {
      ...one,
      children: [{ name: 'skipped', attributes: { message: 'one side was asked for: nothing was compared' } }],
    };
  if (layer.verdict === 'ambiguous')
    return { ...one, children: [{ name: 'system-out', attributes: {}, lines: [`ambiguous: ${layer.reason}`] }] };
  return one;
}

/** How a layer does not pass; null where it does. */
function outcomeOf({ verdict }: ReportLayer, report: Report): 'failure' | 'error' | null {
  if (verdict === 'mismatch') return 'failure';
  if (verdict === 'unverifiable') return 'error';
  // Nothing else fails a model that conforms: fail-on names it.
  const isFailing = report.verdict === 'conforms' && report.conclusion === 'failure';
  return verdict === 'ambiguous' && isFailing ? 'failure' : null;
}

function differenceOf({ missing, unexpected, reason }: ReportLayer): string {
  const parts = [
    ...(missing.length > 0 ? [`missing ${filterWords(missing)}`] : []),
    ...(unexpected.length > 0 ? [`unexpected ${filterWords(unexpected)}`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : reason;
}

/** What is known of a layer that does not pass. A finding is told whole at its first layer, for it may have thousands. */
function linesOf({ name, reason }: ReportLayer, told: readonly Finding[]): readonly string[] {
  if (told.length === 0) return [reason];
  return told.flatMap((finding) =>
    finding.layers[0] === name ? findingLines(finding) : [finding.title, `${finding.layers[0]} says more of it.`],
  );
}

function findingCase(finding: Finding, model: string): Element {
  const outcome = finding.verdict === 'mismatch' ? 'failure' : 'error';
  const said = problem(outcome, finding.kind, finding.title, findingLines(finding));
  return { ...testCase(cutText(`${finding.kind}: ${finding.title}`, MAX_LINE), `${model} findings`), children: [said] };
}

function findingLines({ title, details, place: { file, line, key } }: Finding): readonly string[] {
  const at = file === null ? key : `${file}${line === null ? '' : `:${line}`}${key === null ? '' : ` (${key})`}`;
  return [title, ...details, ...(at === null ? [] : [`at ${at}`])];
}

function problem(name: 'failure' | 'error', type: string, message: string, lines: readonly string[]): Element {
  const shown = lines.slice(0, MAX_LINES).map((line) => cutText(line, MAX_LINE));
  const more = lines.length > MAX_LINES ? [`... and ${lines.length - MAX_LINES} more lines`] : [];
  return { name, attributes: { type, message: cutText(message, MAX_LINE) }, lines: [...shown, ...more] };
}
