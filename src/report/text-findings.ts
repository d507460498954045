import type { Finding } from '../verdict/index.ts';
import { shortLine } from './escape.ts';
import type { Report } from './report.ts';
import { sharedCause } from './shared-cause.ts';
import type { Style } from './style.ts';

const MAX_FULL_FINDINGS = 4;
const MAX_TITLES = 12;
/** From so many layers on, what is wrong with most of a model alike is said before any layer is. */
const MANY = 4;
/** Shorter ones are words of a sentence, which nobody copies. */
const SHORTEST_COMMAND = 24;

/** What is wrong with most of a model alike, which rows of layers would only hide; null where nothing is. */
export function globalFinding({ findings, totals }: Report): Finding | null {
  const [first] = findings;
  if (first === undefined || first.layers.length < MANY || first.verdict !== 'unverifiable') return null;
  return 2 * first.layers.length > totals.layers ? first : null;
}

interface FindingsView {
  /** Every finding in full. */
  readonly isWhole: boolean;
  readonly style: Style;
  /** Where the reader finds the rest. */
  readonly hint: string;
}

/** Findings after the table: the worst in full, then titles, for nobody reads the twentieth explanation. A cause that all have stands once, first. */
export function findingBlocks(report: Report, { isWhole, style, hint }: FindingsView): string[] {
  const global = globalFinding(report);
  const all = report.findings.filter((finding) => finding !== global);
  const shared = sharedCause(all);
  const remedies = remediesOf(report);
  const full = isWhole ? all : all.slice(0, MAX_FULL_FINDINGS);
  const rest = all.slice(full.length);
  const titles = rest.slice(0, MAX_TITLES).map(({ title }) => shortLine(title));
  const more = rest.length > MAX_TITLES ? [`... and ${rest.length - MAX_TITLES} more findings`] : [];
  return [
    ...(shared === null ? [] : [`${style('title', 'likely cause of all of it')}\n  ${shortLine(shared)}`]),
    ...full.map((finding) => findingText(finding, { remedies, style, told: shared })),
    [...titles, ...more, ...(rest.length > 0 ? [`(${hint})`] : [])].join('\n'),
  ];
}

interface FindingView {
  /** Details that say what to do: see remediesOf. */
  readonly remedies: ReadonlySet<string>;
  readonly style: Style;
  /** A cause that stands above already; null for none. */
  readonly told: string | null;
}

/** What may be done about a model's layers, in words. */
export function remediesOf({ layers }: Report): ReadonlySet<string> {
  return new Set(layers.flatMap(({ remedy }) => (remedy === null ? [] : [remedy])));
}

export function findingText({ title, details }: Finding, { remedies, style, told }: FindingView): string {
  const lines = details
    .filter((detail) => detail !== told)
    .flatMap((detail) => [`  ${shortLine(detail)}`, ...(remedies.has(detail) ? commandsIn(detail) : [])]);
  return [style('title', shortLine(title)), ...lines].join('\n');
}

/** What a remedy says to type, on lines of their own, so that it can be copied whole. A command that is cut would be another one. */
function commandsIn(remedy: string): readonly string[] {
  return [...remedy.matchAll(/`([^`]+)`/g)].flatMap(([, command = '']) =>
    command.length < SHORTEST_COMMAND || shortLine(command) !== command ? [] : [`      ${command}`],
  );
}
