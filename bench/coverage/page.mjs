// docs/coverage.md, of what ran.

const INTRO = `# Coverage

Networks as people prune them: built with torchvision, timm and ultralytics at their real width, with seeded heavy-tailed weights and statistics, pruned
to a half, exported in each way, and checked by \`prunegate check\` against a dense model that TorchScript exported unfolded (for \`dynamo-raw\` by the
same exporter). Networks without any BatchNorm are checked with
\`--folding raw\`: nothing in such a model says that none was folded in. Of each there is a wrong twin, in which one thing is wrong; its check has to diverge.
[\`bench/coverage\`](../bench/coverage/README.md) makes this page anew with one command.

A cell has the seconds and the memory (peak of the resident set, MB) of the check of the right model, while as many networks were made and checked as the
machine has cores: the seconds are upper bounds ([bench/RESULTS.md](../bench/RESULTS.md) measures). It stands so where the right model
**conforms** and its twin **diverges**; anything else is said in words, and why below.
Torch-Pruning itself raises for a ShuffleNet and for a GRU: here shuffled channels are left whole, and what a GRU reads is cut as what an LSTM reads.
`;

const TWINS = {
  selection: 'in one group the best channel was taken for the worst',
  columns: 'two input channels of one layer are swapped',
  vector: 'two elements of a normalization or bias are swapped',
  activation: 'one activation is another',
  heads: 'two heads of an attention are exchanged in what makes them',
};

/** @param all names of networks, pruners and exports, in their order */
export function page({ nets, pruners, exports, twins }, everything) {
  const results = everything.filter(({ pruner }) => pruner !== 'tao-tf2');
  const found = new Map(results.map((cell) => [`${cell.net} ${cell.pruner} ${cell.form}`, cell]));
  const at = (net, pruner, form) => found.get(`${net} ${pruner} ${form}`);
  const rows = Object.entries(nets).flatMap(([net, own]) =>
    pruners.filter((pruner) => own.includes(pruner)).map((pruner) => ({ net, pruner })),
  );
  const ran = rows.filter(({ net, pruner }) => exports.some((form) => at(net, pruner, form) !== undefined));
  const head = ['network', 'pruner', 'parameters', 'layers', ...exports];
  const lines = ran.map(({ net, pruner }) => {
    const cells = exports.map((form) => at(net, pruner, form));
    const known = cells.find((cell) => cell?.layers !== undefined);
    const size = known === undefined ? '' : `${(known.parameters / 1e6).toFixed(1)} M`;
    return [net, pruner, size, known?.layers.layers ?? '', ...cells.map(shown)];
  });
  return [
    INTRO,
    `${provenance(everything)}\n`,
    table(
      ['export', 'its wrong twin'],
      exports.map((form) => [form, TWINS[twins[form]]]),
      '---',
    ),
    `Where a network has no activation of its own to change, a vector is; where an attention is pruned, two heads are exchanged in place of a vector. ${summary(results)}\n`,
    table(head, lines, '---:'),
    goldens(everything.filter(({ pruner }) => pruner === 'tao-tf2')),
    section('Why not', openCells(results)),
    section('Executed without a measure', unmeasured(results)),
    section('Not made', notMade(results)),
    section('Not run', notRun(rows, exports, at)),
  ]
    .filter((part) => part !== null)
    .join('\n');
}

/** On what the cells were made; a run that went on elsewhere, or with another build, says both. */
function provenance(cells) {
  const different = (read) => [...new Set(cells.map(({ by }) => read(by)))].join('; ');
  return [
    `Ran with a \`dist/\` whose files have the SHA-256 ${different(({ build }) => `${build}…`)},`,
    `Node ${different(({ node }) => node.slice(1))}, on ${different(({ machine }) => machine)}.`,
    `Pruned on ${different(({ device }) => device)} with ${different(({ python }) => versions(python))}.`,
  ].join(' ');
}

function versions(packages) {
  return Object.entries(packages)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

/** Models of TAO's pruner, which have no twins here. */
function goldens(cells) {
  const names = [...new Set(cells.map(({ net }) => net))];
  const forms = ['tf2onnx', 'tf2onnx-folded'];
  const shownAs = (cell) =>
    cell === undefined
      ? ''
      : `${cell.verdict === 'conforms' ? '' : `**${cell.verdict}** `}${cell.seconds.toFixed(1)} s, ${cell.megabytes.toFixed(0)}`;
  const rows = names.map((net) => {
    const own = forms.map((form) => cells.find((cell) => cell.net === net && cell.form === form));
    return [net, own[0]?.layers?.layers ?? '', ...own.map(shownAs)];
  });
  return names.length === 0
    ? null
    : `## NVIDIA TAO\n\nModels that TAO's own pruner pruned (\`tao-tf2\`), at small width. Their wrong twins are in [what a check sees](variants.md).\n\n${table(['model', 'layers', ...forms], rows, '---:')}`;
}

export function isRight({ verdict, caught }) {
  return verdict === 'conforms' && caught === 'diverges';
}

function summary(results) {
  const made = results.filter(({ failed }) => failed === undefined);
  const count = (test) => made.filter(test).length;
  const executed = made.filter(({ execution }) => execution != null);
  return [
    `Of ${made.length} right models ${count(({ verdict }) => verdict === 'conforms')} conform,`,
    `${count(({ verdict }) => verdict === 'unverifiable')} are unverifiable and ${count(({ verdict }) => verdict === 'diverges')} diverge;`,
    `of their twins ${count(({ caught }) => caught === 'diverges')} diverge, ${count(({ caught }) => caught === 'unverifiable')} are unverifiable and ${count(({ caught }) => caught === 'conforms')} conform.`,
    `${executed.length} were executed too: ${executed.filter(({ execution }) => execution.verdict === 'equal').length} are equal.`,
  ].join(' ');
}

function shown(cell) {
  if (cell === undefined) return '';
  if (cell.failed !== undefined) return 'not made';
  const numbers = `${cell.seconds.toFixed(1)} s, ${cell.megabytes.toFixed(0)}`;
  if (isRight(cell)) return numbers;
  if (cell.verdict === 'conforms') return `${numbers}, twin ${cell.caught}`;
  return `**${cell.verdict}**, twin ${cell.caught}`;
}

/** Exports of a network of which the same is to be said in one line. */
function openCells(results) {
  const open = results.filter((cell) => !isRight(cell) && cell.failed === undefined);
  return [...byKey(open, why)].flatMap(([reason, cells]) => namesOf(cells).map((name) => `- ${name}: ${reason}`));
}

function why({ verdict, caught, twin, reasons, wrongReasons }) {
  const own = verdict === 'conforms' ? [] : [`${verdict}: ${firstOf(reasons)}`];
  const others = caught === 'diverges' ? [] : [`twin (${twin}) ${caught}: ${firstOf(wrongReasons)}`];
  return [...own, ...others].join('; ');
}

function firstOf(reasons) {
  const [first, ...more] = reasons.filter((reason) => / \((?:unverifiable|mismatch)\): /.test(reason));
  if (first === undefined) return reasons[0] ?? 'no difference was found';
  return more.length === 0 ? first : `${first} (and ${more.length} more layers)`;
}

/** Right models that were executed and of which nothing could be said; each reason once for a network. */
function unmeasured(results) {
  const open = results.filter(({ execution }) => execution != null && execution.verdict !== 'equal');
  const lines = open.map(
    ({ net, pruner, execution: { verdict, reason } }) =>
      `- ${net}, ${pruner}: ${verdict === 'none' ? '' : `**${verdict}** `}${reason ?? 'no reason was kept'}`,
  );
  return [...new Set(lines)];
}

function notMade(results) {
  const failed = results.filter((cell) => cell.failed !== undefined);
  return [...byKey(failed, (cell) => cell.failed)].map(
    ([reason, cells]) => `- ${namesOf(cells).join('; ')}: \`${reason}\``,
  );
}

/** Each network and pruner with its exports. */
function namesOf(cells) {
  const named = byKey(cells, ({ net, pruner }) => `${net}, ${pruner}`);
  return [...named].map(([name, own]) => `${name} (${own.map(({ form }) => form).join(', ')})`);
}

/** Networks that lack the same exports in one line. */
function notRun(rows, exports, at) {
  const lacking = rows
    .map(({ net, pruner }) => ({ net, pruner, forms: exports.filter((form) => at(net, pruner, form) === undefined) }))
    .filter(({ forms }) => forms.length > 0);
  const keyOf = ({ pruner, forms }) =>
    `${pruner}, ${forms.length === exports.length ? 'all exports' : forms.join(', ')}`;
  return [...byKey(lacking, keyOf)].map(([key, own]) => `- ${key}: ${own.map(({ net }) => net).join(', ')}`);
}

/** What has the same key, in the order of the keys. */
function byKey(items, keyOf) {
  const found = new Map();
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item]);
  return found;
}

function section(title, lines) {
  return lines.length === 0 ? null : `## ${title}\n\n${lines.join('\n')}\n`;
}

function table(head, rows, rest) {
  const rule = head.map((_, k) => (k < 2 ? '---' : rest));
  return `${[head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`;
}
