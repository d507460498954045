/** JSON with index lists on one line each: a layer of 512 filters should not be 512 lines. */
export function renderJson(report: object): string {
  const text = JSON.stringify(report, null, 2);
  // Strings hold no raw line breaks, so only lists match.
  return `${text.replace(/\[\n\s*(-?\d+(?:,\n\s*-?\d+)*)\n\s*\]/g, (_, numbers: string) => `[${numbers.replace(/\s+/g, ' ')}]`)}\n`;
}
