import { describe, expect, it } from 'vitest';
import { readStepLog } from './runner.ts';

const read = (...lines: string[]) => readStepLog(`${lines.join('\n')}\n`);
const names = (...lines: string[]) => read(...lines).obeyed.map(({ name }) => name);

/** The cases of actions/runner's own tests (ActionCommandL0.cs, ActionCommandManagerL0.cs) that matter here. */
describe('the runner of the tests', () => {
  it('obeys :: at the start of a line after white space, and ##[ anywhere, on both streams', () => {
    expect(names('::error::x', ' \t::WARNING::x', '\u0085::notice::x', 'a::error::x', 'a ##[error]x')).toEqual([
      ...['error', 'warning', 'notice', 'error'],
    ]);
    expect(names('::unknown::x', '##[unknown]x', '::error', '##[error', '\ufeff::error::x', '# #[error]x')).toEqual([]);
    expect(readStepLog('', 'out\n::error::y\n').annotations).toHaveLength(1);
  });

  it('ends lines at a carriage return too', () => {
    expect(names('10%\r::error::x')).toEqual(['error']);
    expect(read('10%\r20%\r\n30%').shown).toEqual(['10%', '20%', '30%']);
  });

  it('unescapes messages and properties, each its own characters, percent last', () => {
    const { annotations } = read('::error title=a%3Ab%2Cc%25,file=m/s.yaml,line=6,empty=::50%25%0Anext%3A %252C');
    expect(annotations).toEqual([
      {
        level: 'error',
        title: 'a:b,c%',
        file: 'm/s.yaml',
        line: 6,
        endLine: 6,
        message: '50%\nnext%3A %2C',
      },
    ]);
  });

  it('keeps the first ten annotations of each level, and cuts messages at 4,096 characters', () => {
    const { annotations, dropped } = read(
      ...Array.from({ length: 12 }, (_, i) => `::error::${i}`),
      '::warning::w',
      `::notice::${'x'.repeat(5000)}`,
    );
    expect(annotations.map(({ message }) => message.slice(0, 4))).toEqual([
      ...['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'w', 'xxxx'],
    ]);
    expect(dropped.map(({ message }) => message)).toEqual(['10', '11']);
    expect(annotations.at(-1)?.message).toHaveLength(4096);
  });

  it('obeys nothing between stop-commands and its token, whatever its case', () => {
    const log = read(
      '::stop-commands::T0ken',
      '::error::x',
      '##[add-mask]y',
      '::stop-commands::z',
      '::t0KEN::',
      '::error::z',
    );
    expect(log.obeyed.map(({ name }) => name)).toEqual(['stop-commands', 't0ken', 'error']);
    expect(log.shown).toContain('::error::x');
    expect(log.isLeftOpen).toBe(false);
    expect(read('::stop-commands::a', '::error::x').isLeftOpen).toBe(true);
  });

  it('masks secrets and collects groups', () => {
    const log = read('::add-mask::hunter2', '::group::prune', 'with hunter2', '::endgroup::', 'after', '::group::open');
    expect(log.masks).toEqual(['hunter2']);
    expect(log.groups).toEqual([
      { title: 'prune', lines: ['with ***'] },
      { title: 'open', lines: [] },
    ]);
    expect(log.shown).not.toContain('::add-mask::hunter2');
    expect(log.isLeftOpen).toBe(true);
  });
});
