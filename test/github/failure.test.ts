import { expect, it } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { failureOf } from '../../src/github/failure.ts';
import { CancelledError } from '../../src/process/cancel.ts';

const at = (file: string) => new InputError('must be a number', { file, line: 3, key: 'tolerance' });

it('a mistake of the user points at its line below the workspace, and at no line outside of it', () => {
  expect(failureOf(at('/repo/prunegate.yml'), '1.2.3', '/repo')).toMatchObject({
    title: 'prunegate: check your configuration',
    file: 'prunegate.yml',
    line: 3,
  });
  expect(failureOf(at('/etc/prunegate.yml'), '1.2.3', '/repo')).toMatchObject({ file: null, line: null });
});

it('a command that failed shows what it printed last', () => {
  const error = new InputError('exited with status 1', { key: 'prune-command', output: ['no such file'] });
  expect(failureOf(error, '1.2.3', '/repo')).toMatchObject({
    title: 'prunegate: a command failed',
    message: expect.stringMatching(/exited with status 1.*\nno such file$/s),
  });
});

it('a bug asks to be reported, with the version and where it was', () => {
  const failure = failureOf(new TypeError('x is not a function'), '1.2.3', undefined);
  expect(failure).toMatchObject({
    title: 'prunegate 1.2.3: this is a bug, please report it',
    message: expect.stringMatching(/TypeError: x is not a function\n +at /),
  });
  expect(failureOf('a string', '1.2.3', undefined)).toMatchObject({ message: 'a string' });
});

it('a run that was cancelled is a line of the log, no finding', () => {
  expect(failureOf(new CancelledError('the run was cancelled', 'SIGTERM'), '1.2.3', undefined)).toBe(
    'the run was cancelled',
  );
});
