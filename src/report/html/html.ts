import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Zlib from 'node:zlib';
import { sha256 } from '../../files/index.ts';
import { pack } from '../../view/data/pack.ts';
import type { PageData } from '../../view/data/types.ts';
import type { Reader } from '../reader.ts';
import type { Report, ReportSet } from '../report.ts';
import { pageData } from './page-data.ts';
import { pageName } from './text.ts';

/** The page's script and styles are built by themselves, and loaded when a page is written. */
const IS_BUNDLED = import.meta.filename.endsWith('.cjs');
const VIEW = join(import.meta.dirname, IS_BUNDLED ? '.' : '../../../dist', 'view.cjs');

export function renderHtml(result: Report | ReportSet, reader: Reader): string {
  return renderPage(
    pageData(result, (model) => reader.numbers(model)),
    titleOf(result),
  );
}

/**
 * A page that needs nothing but itself: it asks for no address, runs no script and takes no style but its own (by their hashes), and holds what models
 * and files are called in its deflated data alone, so that no name can be markup.
 */
export function renderPage(shown: PageData, title: string): string {
  // A check that writes no page pays for neither.
  const load = createRequire(import.meta.filename);
  const { script, style } = load(VIEW) as { readonly script: string; readonly style: string };
  const { deflateRawSync } = load('node:zlib') as typeof Zlib;
  const data = deflateRawSync(pack(shown), { level: 9 });
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${markup(title)}</title>
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<noscript><p>${markup(title)}. This page draws its pictures with a script of its own; report.json and the text report say the same in words.</p></noscript>
<script type="application/octet-stream" id="data">${data.toString('base64')}</script>
<script>${script}</script>
</body>
</html>
`;
}

function titleOf(result: Report | ReportSet): string {
  const name = 'reports' in result ? `${result.reports.length + result.errors.length} models` : pageName(result.model);
  return `${name}: ${result.verdict ?? 'no verdict'} · prunegate`;
}

function hashOf(text: string): string {
  return `sha256-${sha256().update(text).digest('base64')}`;
}

function markup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
