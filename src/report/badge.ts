import { counted } from '../prose/index.ts';
import { renderJson } from './json.ts';
import type { Report, ReportSet } from './report.ts';

const COLOURS = { conforms: 'brightgreen', diverges: 'red', unverifiable: 'orange' } as const;

/** What shields.io shows as a badge (its endpoint badge, schemaVersion 1): the verdict, of many models how many conform. */
export function renderBadge(result: Report | ReportSet): string {
  const { verdict } = result;
  return renderJson({
    schemaVersion: 1,
    label: 'pruning',
    message: verdict === null ? 'not checked' : 'reports' in result ? counts(result) : verdict,
    color: verdict === null ? 'lightgrey' : COLOURS[verdict],
    isError: verdict !== 'conforms',
  });
}

function counts({ reports, errors }: ReportSet): string {
  const all = reports.length + errors.length;
  const right = reports.filter(({ verdict }) => verdict === 'conforms').length;
  return right === all
    ? `${counted(all, 'model')} conform${all === 1 ? 's' : ''}`
    : `${right} of ${counted(all, 'model')} conform`;
}
