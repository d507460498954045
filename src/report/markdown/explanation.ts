import type { Expectation, LayerExplanation, Spec } from '../../dialects/index.ts';
import { listed } from '../../prose/index.ts';
import { escaped, escapedName } from '../escape.ts';
import { explainModel, explanationColumns, explanationTitle } from '../explanation.ts';
import { groupLetters } from '../groups.ts';
import { line, table } from './blocks.ts';

/** A name at the head of a column, which is as wide as it. */
const MAX_HEAD = 40;
/** Layers of a group that are named in a cell. */
const MAX_LISTED = 12;

/** A layer's filters by the value that decided: those that stay, the cut, and those that go. */
export function layerExplanationMarkdown(layer: LayerExplanation, all: boolean): string {
  const { header, rows, above, cut, more } = explanationColumns(layer, all);
  const head = header.map((name) => escaped(name, MAX_HEAD));
  const part = (from: number, to: number): string =>
    from === to
      ? ''
      : table(
          head,
          rows.slice(from, to).map((row) => row.map(cellText)),
        );
  return blocks([
    `### ${escapedName(layer.layer)}`,
    line(explanationTitle(layer)),
    part(0, above),
    cut === null ? '' : `**${line(cut)}**`,
    part(above, rows.length),
    more.map((each) => `... ${each}`).join('\n'),
  ]);
}

/** Numbers are ours, and need no escape. */
function cellText(text: string): string {
  return /^[-+.\de]*$/.test(text) ? text : line(text);
}

/** The whole model: a line for each layer, and what each criterion would have kept of each group. */
export function modelExplanationMarkdown(expectation: Expectation, spec: Spec): string {
  const { layers, groups, decidedBy, refusal } = explainModel(expectation);
  const letters = groupLetters({ groups });
  const criteria = Object.keys(groups[0]?.keptUnder ?? {});
  const names = (all: readonly string[]): string =>
    escaped(
      listed(
        all.map((name) => name.slice(0, 200)),
        MAX_LISTED,
      ),
    );
  return blocks([
    line(spec.summary),
    table(
      ['layer', 'kept', 'rule that decided', 'group', 'why'],
      layers.map(({ name, kept, rule, group, reason }) => [
        ...[escapedName(name), String(kept ?? '?'), line(rule), letters.get(group ?? -1) ?? '', line(reason)],
      ]),
    ),
    groups.length === 0
      ? ''
      : `Filters that each group would keep under each criterion:\n\n${table(
          ['group', ...criteria.map(line), 'layers'],
          groups.map(({ id, members, keptUnder }) => [
            letters.get(id) ?? '',
            ...criteria.map((criterion) => keptUnder[criterion]!.map((kept) => kept ?? '?').join('/')),
            names(members),
          ]),
        )}`,
    Object.entries(decidedBy)
      .map(
        ([key, own]) =>
          `- ${line(`${key} decides, not the ${expectation.usualKey.replaceAll('_', ' ')}`)}: ${names(own)}`,
      )
      .join('\n'),
    refusal === null ? '' : line(`the real pruner ${refusal.always ? 'raises' : 'may raise'}: ${refusal.message}`),
  ]);
}

function blocks(all: readonly string[]): string {
  return `${all.filter((block) => block !== '').join('\n\n')}\n`;
}
