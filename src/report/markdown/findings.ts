import type { Finding } from '../../verdict/index.ts';
import type { Limits } from '../detail.ts';
import type { Report } from '../report.ts';
import { sharedCause } from '../shared-cause.ts';
import { folded, line, more } from './blocks.ts';

/** Details of a finding up to so many are not folded up. */
const UNFOLDED = 3;
/** Findings with one cause that are shown in full. */
const EXAMPLES = 2;

/** The page of the line that decided on a finding; null where there is none. */
export type LinkOf = (finding: Finding) => Link | null;

export interface Link {
  /** Plain text. */
  readonly text: string;
  readonly url: string;
}

/** A cause that several findings have, said before all of them. */
export function sharedCauseBlock({ findings }: Report, limits: Limits): string[] {
  const shared = sharedCause(findings);
  return shared === null || limits.findings === 0 ? [] : [causeLine(shared)];
}

/** The worst in full, then titles: nobody reads the twentieth explanation. */
export function findingBlocks({ findings }: Report, limits: Limits, linkOf: LinkOf): string[] {
  const shared = sharedCause(findings);
  const full = shared === null ? limits.findings : Math.min(limits.findings, EXAMPLES);
  return [
    ...findings
      .slice(0, full)
      .map((finding) => findingBlock(finding, limits, linkOf(finding), finding.cause === shared)),
    ...titles(findings.slice(full), limits),
  ];
}

function findingBlock(finding: Finding, { lines }: Limits, link: Link | null, isCauseTold: boolean): string {
  const { title, details, cause } = finding;
  const others = details.filter((detail) => detail !== cause);
  const shown = others.slice(0, lines).map(line);
  const hidden = more(others.length - lines, 'more lines', 'are in the JSON report');
  const [first, ...rest] = shown;
  const list = [...rest, ...hidden].map((each) => `- ${each}`).join('\n');
  return [
    `**${line(title)}**${link === null ? '' : ` · [${line(link.text)}](${link.url})`}`,
    ...(first === undefined ? [] : [first]),
    ...(cause === undefined || isCauseTold ? [] : [causeLine(cause)]),
    ...(list === '' ? [] : rest.length <= UNFOLDED ? [list] : [folded('Filter by filter', list)]),
  ].join('\n\n');
}

function causeLine(cause: string): string {
  return `**Likely cause:** ${line(cause)}`;
}

function titles(findings: readonly Finding[], limits: Limits): string[] {
  if (limits.titles === 0) return [];
  const shown = findings.slice(0, limits.titles).map(({ title }) => `- ${line(title)}`);
  if (shown.length === 0) return [];
  return [
    ...(limits.findings === 0 ? [] : ['Also:']),
    shown.join('\n'),
    ...more(findings.length - shown.length, 'more findings', 'are in the JSON report'),
  ];
}
