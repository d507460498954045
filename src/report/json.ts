/**
 * JSON with index lists on one line each: a layer of 512 filters should not be 512 lines. The reports of a set are written one by one: with a line
 * for each number they take ten times the memory.
 */
export function renderJson(value: object): string {
  if (!('reports' in value) || !Array.isArray(value.reports) || value.reports.length === 0)
    return `${rendered(value)}\n`;
  const reports = value.reports.map((report: unknown) =>
    rendered({ reports: [report] }).slice(OPENING.length, -ENDING.length),
  );
  // Strings hold no raw line breaks, so only the set's own list stands there.
  return `${rendered({ ...value, reports: [] }).replace(NONE, () => `${SOME}${reports.join(',\n')}\n  ]`)}\n`;
}

const OPENING = '{\n  "reports": [\n';
const ENDING = '\n  ]\n}';
const NONE = '\n  "reports": []';
const SOME = '\n  "reports": [\n';

function rendered(value: object): string {
  const text = JSON.stringify(value, null, 2);
  // Strings hold no raw line breaks, so only lists match.
  return text.replace(
    /\[\n\s*(-?\d+(?:,\n\s*-?\d+)*)\n\s*\]/g,
    (_, numbers: string) => `[${numbers.replace(/\s+/g, ' ')}]`,
  );
}
