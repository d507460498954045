import { duration } from '../../prose/index.ts';
import { describeGpu } from '../gpu.ts';
import type { Report } from '../report.ts';
import { weightsWords } from '../weights-words.ts';
import { folded, line, table } from './blocks.ts';

/** Which files, by which spec, made by what and on which machine. */
export function inputsFold(report: Report): string {
  const { inputs, spec, dialect, releases, commands, gpus } = report;
  const weights = weightsWords(report);
  const file = (role: 'dense' | 'pruned', input: Report['inputs']['pruned']): string[][] =>
    input === null
      ? []
      : [
          [
            role,
            line(input.path),
            weights[role].replace(/ weights$/, ''),
            input.sha256 === null ? '' : `\`${input.sha256}\``,
          ],
        ];
  const settings = Object.entries(spec ?? {})
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(', ') : String(value)}`);
  const shown = [dialect === null ? '' : `dialect ${dialect}${ofReleases(releases)}`, ...settings]
    .filter((part) => part !== '')
    .map(line);
  const made = [
    ...commands.map(({ name, seconds }) => `${name} ${duration(seconds * 1000)}`),
    ...(gpus ?? []).map((gpu) => line(describeGpu(gpu))),
  ].join(' · ');
  return folded(
    'What was checked',
    [
      table(['', 'file', 'weights', 'SHA-256'], [...file('dense', inputs.dense), ...file('pruned', inputs.pruned)]),
      ...(shown.length === 0 ? [] : [shown.join(' · ')]),
      ...(made === '' ? [] : [made]),
    ].join('\n\n'),
  );
}

function ofReleases(releases: readonly string[] = []): string {
  return releases.length === 0 ? '' : `, as ${releases.length === 1 ? 'release' : 'releases'} ${releases.join(', ')}`;
}
