import type { SpecDocument } from '../config/spec.ts';
import { inputErrorAt } from '../errors/place.ts';
import type { Network } from '../network/index.ts';
import type { Dialect, Expectation, Framework, Lint, Pruner } from './types.ts';

/** By producer_name: what exports from a framework. Tools that rewrite models name themselves or nobody, and tell nothing. */
const EXPORTERS: Readonly<Record<string, Framework>> = {
  pytorch: 'PyTorch',
  tf2onnx: 'TensorFlow',
  keras2onnx: 'TensorFlow',
};

/**
 * A pruner that looks at where a model comes from: one of another framework cannot have been pruned by it. That is a mistake where the spec
 * named no dialect, and a remark where it did: its writer knows more than the file says.
 */
export function forItsFramework(
  pruner: Pruner,
  dialect: Dialect,
  document: SpecDocument,
  all: readonly Dialect[],
): Pruner {
  return {
    ...pruner,
    expect(dense, folding) {
      const problem = strangeTo(dialect, dense, all);
      if (problem === null) return pruner.expect(dense, folding);
      const at = document.at('dialect');
      if (document.dialect === null)
        throw inputErrorAt(
          { ...at, key: 'dialect' },
          `is missing, and a spec that names none is read as ${dialect.name}: ${problem}`,
        );
      return remarking(pruner.expect(dense, folding), { rule: 'other-framework', message: problem, at, layers: [] });
    },
  };
}

function strangeTo({ name, framework }: Dialect, { model }: Network, all: readonly Dialect[]): string | null {
  const { name: exporter } = model.producer;
  const from = Object.hasOwn(EXPORTERS, exporter) ? EXPORTERS[exporter] : undefined;
  if (framework === undefined || from === undefined || from === framework) return null;
  const others = all.filter((other) => other.framework === from || other.framework === undefined);
  const meant = others.map((other) => `dialect: ${other.name}`).join(' or ');
  return `${model.name} was exported from ${from} (${exporter}), and ${name} prunes ${framework} models; write ${meant} at its top`;
}

function remarking(expectation: Expectation, remark: Lint): Expectation {
  const { given } = expectation;
  return {
    ...expectation,
    lint: (prunedFile) => [remark, ...expectation.lint(prunedFile)],
    ...(given === undefined ? {} : { given: (actual) => remarking(given(actual), remark) }),
  };
}
