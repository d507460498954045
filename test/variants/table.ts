import type { Kind } from './kind.ts';
import type { Outcome } from './run.ts';

/** The page that says what each kind of change came to. */
export function tableOf(kinds: readonly Kind[], outcomes: readonly Outcome[]): string {
  const rows = kinds.map((kind) => {
    const own = outcomes.filter((outcome) => outcome.kind === kind);
    const count = (is: (outcome: Outcome) => boolean): number => own.filter(is).length;
    return kind.claim === 'wrong'
      ? [
          kind.name,
          own.length,
          count(({ exit, isSeenUnexecuted }) => exit !== 0 && isSeenUnexecuted),
          count(({ exit, isSeenUnexecuted }) => exit !== 0 && !isSeenUnexecuted),
          count(({ exit }) => exit === 3),
          count(({ fault }) => fault !== null),
        ]
      : [
          kind.name,
          own.length,
          count(({ exit }) => exit === 0),
          count(({ exit }) => exit === 3),
          count(({ fault }) => fault !== null),
        ];
  });
  const table = (claim: Kind['claim'], heads: readonly string[]): string =>
    [
      `| ${heads.join(' | ')} |`,
      `| --- |${' ---: |'.repeat(heads.length - 1)}`,
      ...rows.filter((_, k) => kinds[k]!.claim === claim).map((row) => `| ${row.join(' | ')} |`),
    ].join('\n');
  const wrong = table('wrong', [
    'change',
    'models',
    'seen by `check`',
    'by `--execute` only',
    'of these unverifiable',
    'passed',
  ]);
  const harmless = table('harmless', ['change', 'models', 'conforms', 'unverifiable', 'failed']);
  return `# What a check sees

Models that real pruners made, each changed in one way, and checked. onnxruntime says whether a changed model still computes
the same. \`npm run variants\` makes this page anew; the tests take each change on a few models.

## Changes that no check may pass

${wrong}

## Changes that no check may fail

A model may be unverifiable after such a change: names that tell the layers are gone, or BatchNorm is folded.

${harmless}
`;
}
