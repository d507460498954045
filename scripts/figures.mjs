// Draws docs/cut.svg from what `prunegate explain` says of the example: node scripts/figures.mjs [--check]
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const TARGET = 'docs/cut.svg';
const LAYER = 'conv1';

const WIDTH = 880;
const HEIGHT = 332;
const PANEL = { width: 400, left: 40, top: 64, height: 200, gap: 30 };
const STEP = PANEL.width / 32;

/** Readable on a light page and on a dark one. */
const STYLE = `
    text { font: 12px system-ui, sans-serif; fill: #6e7781; }
    .title { font-size: 14px; font-weight: 600; }
    .index { font-size: 8px; text-anchor: middle; }
    .cut { stroke: #6e7781; stroke-dasharray: 4 3; }
    .axis { stroke: #6e7781; }
    .stays { fill: #54aeff; }
    .goes { fill: #afb8c1; }
    .gained { fill: #2da44e; }
    .lost { fill: #e5534b; }
    .partner { fill-opacity: 0.45; }
    .changed { font-weight: 700; }`;

function explained() {
  const args = ['explain', '--dense', 'dense.onnx', '--spec', 'prune.yaml', '--layer', LAYER, '--format', 'json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${root}dist/cli.cjs`, ...args], {
    cwd: `${root}examples/mobilenet-v2`,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout).explanation;
}

/** What a filter's fate is, and whether equalization changed it. */
function classOf({ stays, staysAlone }, isAlone) {
  if (stays !== staysAlone) return stays ? 'gained' : 'lost';
  return (isAlone ? staysAlone : stays) ? 'stays' : 'goes';
}

function panel({ title, note, filters, x, cutAfter, threshold, isAlone }) {
  const bottom = PANEL.top + PANEL.height;
  const y = (value) => round(bottom - value * PANEL.height);
  const bars = filters.map((row, at) => {
    const kind = classOf(row, isAlone);
    const left = round(x + at * STEP + 1);
    const width = round(STEP - 2);
    const own = row.values[0];
    const top = isAlone ? own : row.merged;
    const changed = kind === 'gained' || kind === 'lost';
    return [
      `<rect class="${kind}" x="${left}" y="${y(own)}" width="${width}" height="${round(bottom - y(own))}"/>`,
      ...(top > own
        ? [
            `<rect class="${kind} partner" x="${left}" y="${y(top)}" width="${width}" height="${round(y(own) - y(top))}"/>`,
          ]
        : []),
      `<text class="index${changed ? ` changed ${kind}` : ''}" x="${round(left + width / 2)}" y="${bottom + 12}">${row.filter}</text>`,
    ].join('\n    ');
  });
  const edge = round(x + cutAfter * STEP);
  return [
    `<text class="title" x="${x}" y="24">${title}</text>`,
    `<text x="${x}" y="42">${note}</text>`,
    ...bars,
    `<line class="axis" x1="${x}" y1="${bottom}" x2="${x + PANEL.width}" y2="${bottom}"/>`,
    `<line class="cut" x1="${x}" y1="${y(threshold)}" x2="${x + PANEL.width}" y2="${y(threshold)}"/>`,
    `<text x="${x + PANEL.width - 92}" y="${y(threshold) - 5}">threshold ${threshold}</text>`,
    `<line class="cut" x1="${edge}" y1="${PANEL.top - 6}" x2="${edge}" y2="${bottom}"/>`,
  ].join('\n    ');
}

function draw() {
  const { filters, members, threshold, kept } = explained();
  const alone = [...filters].sort((a, b) => a.rank - b.rank || a.filter - b.filter);
  const keptAlone = filters.filter(({ staysAlone }) => staysAlone).length;
  const passingAlone = filters.filter(({ values }) => values[0] > threshold).length;
  const left = panel({
    title: `${LAYER} on its own (while exploring)`,
    note: `${passingAlone} pass, the minimum makes them ${keptAlone}`,
    filters: alone,
    x: PANEL.left,
    cutAfter: keptAlone,
    threshold,
    isAlone: true,
  });
  const right = panel({
    title: 'equalized (after exploration)',
    note: `the larger of ${LAYER} and ${members[1]} counts: ${kept} pass`,
    filters,
    x: PANEL.left + PANEL.width + PANEL.gap,
    cutAfter: kept,
    threshold,
    isAlone: false,
  });
  const label = `Filters of ${LAYER} by the value that decides, before and after equalization with ${members[1]}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
  <style>${STYLE}
  </style>
  <g>
    ${left}
  </g>
  <g>
    ${right}
  </g>
  <text x="${PANEL.left}" y="${HEIGHT - 26}">Bars are normalized norms, the numbers are filters; what is left of the dashed line stays.</text>
  <text x="${PANEL.left}" y="${HEIGHT - 9}">Green stays because of ${members[1]} (pale: what it adds). Red would have stayed on its own.</text>
</svg>
`;
}

function round(value) {
  return Math.round(value * 100) / 100;
}

const svg = draw();
if (process.argv.includes('--check')) {
  if (readFileSync(`${root}${TARGET}`, 'utf8') !== svg) {
    process.stderr.write(`${TARGET} is not what the example gives: run node scripts/figures.mjs\n`);
    process.exitCode = 1;
  }
} else writeFileSync(`${root}${TARGET}`, svg);
