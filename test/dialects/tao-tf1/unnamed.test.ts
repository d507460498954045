import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseYaml, specFromFile } from '../../../src/config/index.ts';
import { type Expectation, readSpec } from '../../../src/dialects/index.ts';
import type { Network } from '../../../src/network/index.ts';
import { networkOf } from '../../support/golden.ts';
import { type Tf1Golden, tf1Goldens } from '../../support/golden-tf1.ts';

const [models, odd, errors] = [tf1Goldens('').own, tf1Goldens('odd').own, tf1Goldens('errors').own];

const denseOf = ({ folder }: Tf1Golden): Network => networkOf(join(folder, 'dense.onnx'));
const golden = (name: string): Tf1Golden => [...models, ...odd, ...errors].find((one) => one.name === name)!;

function expectation(dense: Network, spec: object): Expectation {
  const document = specFromFile(parseYaml(JSON.stringify({ dialect: 'tao-tf1', ...spec }), 'spec.yaml'));
  return readSpec(document, document.at('dialect')).expect(dense, null);
}

const openLayers = ({ layers }: Expectation): string[] =>
  [...layers.values()].flatMap(({ name, expected }) => (expected === null ? [name] : []));

describe('a spec that names no network', () => {
  it.each(models)('decides $name as its own network does, or leaves it open', (one) => {
    const dense = denseOf(one);
    const [named, unnamed] = [{ network: one.network }, {}].map((given) =>
      expectation(dense, { ...given, prune: one.prune }),
    );
    for (const [name, { expected, reason, specKey }] of unnamed!.layers) {
      if (expected !== null) expect(expected, name).toEqual(named!.layers.get(name)?.expected);
      else {
        expect(reason).toContain('network is not named');
        expect(specKey).toBe('network');
      }
    }
  });

  it('leaves open what a forced exclusion changes, and nothing else', () => {
    const shared = golden('efficientdet_shared_heads_nhwc');
    const dense = denseOf(shared);
    // Its outputs are convolutions that the pruner by itself would cut.
    expect(openLayers(expectation(dense, { prune: shared.prune }))).toEqual(
      openLayers(expectation(dense, { prune: shared.prune })).filter((name) => name.includes('predict')),
    );
    expect(openLayers(expectation(dense, { prune: shared.prune }))).not.toEqual([]);
    const excluded = { ...shared.prune, excluded_layers: dense.outputs.map(({ name }) => name) };
    expect(openLayers(expectation(dense, { prune: excluded }))).toEqual([]);
  });

  it('leaves open what hangs on the default of -nf, which is another one for unet', () => {
    const { prune, ...shared } = golden('shared_conv_nchw');
    const { min_num_filters: _, ...others } = prune;
    const unnamed = expectation(denseOf({ prune, ...shared }), { prune: others });
    const [open] = openLayers(unnamed);
    expect(unnamed.layers.get(open!)?.reason).toContain('default of min_num_filters');
  });

  it('takes filters that no command leaves for wrong all the same', () => {
    const shared = golden('efficientdet_shared_heads_nhwc');
    const unnamed = expectation(denseOf(shared), { prune: shared.prune });
    const [open] = openLayers(unnamed);
    const { retained, filters } = shared.layers[open!]!;
    expect(retained).toHaveLength(filters);
    expect(unnamed.certain.contradiction(open!, () => retained)).toBeNull();
    expect(unnamed.certain.contradiction(open!, () => retained.slice(1))?.specKey).toBe('network');
  });
});

describe('a head that the network’s command forgets', () => {
  const heads = golden('ssd_not_excluded_nhwc');
  const remarks = (network: string): string[] =>
    expectation(denseOf(heads), { network, prune: heads.prune })
      .lint(null)
      .flatMap(({ rule, message }) => (rule === 'head-not-excluded' ? [message] : []));

  it('is remarked on', () => {
    expect(remarks('none')).toEqual([expect.stringContaining('ssd_conf_0')]);
    expect(remarks('unet')).toEqual([
      expect.stringMatching(
        /^the prune command of detectnet_v2, faster_rcnn and others excludes ssd_\w+, ssd_\w+ and /,
      ),
    ]);
    expect(remarks('ssd')).toEqual([]);
  });
});

it('shows the outputs under their names, and whose command excludes them', () => {
  const shared = golden('efficientdet_shared_heads_nhwc');
  const named = expectation(denseOf(shared), { network: 'efficientdet_tf1', prune: shared.prune });
  const forced = Object.keys(shared.layers).filter((name) => name.includes('predict'));
  expect(named.effective?.['built_in_exclusions']).toEqual(expect.arrayContaining(forced));
  expect(named.layers.get(forced[0]!)?.reason).toBe(
    `${forced[0]} is excluded by the prune command of efficientdet_tf1, so it keeps every filter`,
  );
  expect(named.layers.get(forced[0]!)?.specKey).toBe('network');
});
