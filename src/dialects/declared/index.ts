import { knowsKey } from '../../config/validate.ts';
import { onceFor } from '../../network/index.ts';
import type { Dialect, Expectation, Pruner } from '../types.ts';
import type { ActualOf } from './decide.ts';
import { declaredOnlooker, expectDeclared, type Scene, sceneOf } from './expect.ts';
import { declaredHypotheses } from './explain/hypotheses.ts';
import { lintDeclared } from './explain/lint.ts';
import { type DeclaredSpec, readDeclaredSpec } from './spec.ts';
import { validateSpec } from './spec.validator.generated.js';

const NAME = 'declared';

/**
 * Any pruner that ranks filters and keeps some: what it does is declared in its spec.
 * @param readLog reads what such a pruner reported where that is no plain list
 */
export function declared(readLog: Pruner['readLog']): Dialect {
  return {
    name: NAME,
    topKeys: [],
    takesFlags: false,
    knows: (key) => knowsKey(validateSpec, key),
    otherNames: {},
    readSpec(document) {
      const spec = readDeclaredSpec(document);
      const scene = onceFor(sceneOf);
      return {
        name: NAME,
        spec,
        mayRecalibrate: spec.keys.statistics === 'any',
        expect: (dense, folding) => expectation(scene(dense, folding), spec, null),
        onlooker: (dense, folding) => declaredOnlooker(scene(dense, folding), spec),
        readLog,
      };
    },
  };
}

function expectation(scene: Scene, spec: DeclaredSpec, actual: ActualOf): Expectation {
  const expected = expectDeclared(scene, spec, actual);
  const { keys } = spec;
  const isOpen =
    actual === null &&
    ([keys, ...Object.values(keys.layers)].some(({ keep }) => keep?.rule === 'as-pruned') ||
      [...expected.layers.values()].some(({ assumes }) => assumes !== null));
  return {
    ...expected,
    lint: () => lintDeclared(scene.network, spec, expected),
    hypotheses: (observed) => declaredHypotheses(scene, spec, observed),
    ...(isOpen ? { given: (kept) => expectation(scene, spec, kept) } : {}),
  };
}
