import type { Format } from '../config/index.ts';
import { renderBadge } from './badge.ts';
import { renderHtml } from './html/html.ts';
import { renderJson } from './json.ts';
import { renderJUnit } from './junit.ts';
import { renderMarkdown } from './markdown/markdown.ts';
import type { Reader } from './reader.ts';
import type { Report, ReportSet } from './report.ts';
import { renderSarif } from './sarif.ts';
import { renderSet } from './set-text.ts';
import { renderText } from './text.ts';

export interface ReportFormat {
  /** How its file in the report-dir ends. */
  readonly extension: string;
  /** The whole file, its last line ended. */
  render(result: Report | ReportSet, reader: Reader): string;
}

/** Every format of a report: a file that renders it, and a line here under its name. */
export const REPORT_FORMATS: Readonly<Record<Format, ReportFormat>> = {
  text: {
    extension: 'txt',
    render: (result, reader) => ('reports' in result ? renderSet(result, reader) : renderText(result, reader)),
  },
  json: { extension: 'json', render: renderJson },
  html: { extension: 'html', render: (result, reader) => renderHtml(result, reader) },
  markdown: { extension: 'md', render: (result) => `${renderMarkdown(result)}\n` },
  sarif: { extension: 'sarif', render: (result) => renderSarif(result) },
  junit: { extension: 'junit.xml', render: (result) => renderJUnit(result) },
  badge: { extension: 'badge.json', render: (result) => renderBadge(result) },
};
