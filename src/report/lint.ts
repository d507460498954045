import type { ReportLint } from './report.ts';

/** `spec: prune.yaml:5: round-to 8 is more than ...`: file and line as compilers write them, so that editors find the place. */
export function lintText({ file, line, key, message }: ReportLint): string {
  const at = file === null ? key : line === null ? file : `${file}:${line}`;
  return `spec: ${at === null ? '' : `${at}: `}${message}`;
}
