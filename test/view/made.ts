import { pageName } from '../../src/report/html/text.ts';
import { FLAG, type LayerData, type PageData } from '../../src/view/data/types.ts';

interface Made {
  readonly name: string;
  readonly filters: number;
}

/** What models are called by who means harm: two of them are one once they are cut. */
export const HOSTILE_NAMES: readonly string[] = [
  '</script><img src=x onerror=alert(1)>',
  '\u202egpj.exe\u2066',
  'n'.repeat(1_000_000),
  `${'n'.repeat(999_999)}m`,
  '&layer=other&filter=1#x',
  '%41%00+ ~1',
  '{{constructor}}',
  '__proto__',
  '',
];

/** 150 layers, of which one has a quarter of 200,000 filters. */
export function largeModel(): readonly Made[] {
  const others = Array.from({ length: 149 }, (_, k) => ({ name: `layer ${k + 1}`, filters: k === 0 ? 2000 : 1000 }));
  return [{ name: 'wide', filters: 50_000 }, ...others];
}

/** A page of one model whose layers keep the upper half of values made up. */
export function pageOf(layers: readonly Made[]): PageData {
  const filters = layers.reduce((sum, layer) => sum + layer.filters, 0);
  const size = { dense: filters, pruned: filters / 2 };
  return {
    version: '1.2.3',
    verdict: 'conforms',
    conclusion: 'success',
    errors: [],
    models: [
      {
        ...{
          name: 'made',
          verdict: 'conforms',
          conclusion: 'success',
          dialect: 'made',
          spec: 'half of all',
          inputs: [],
        },
        totals: { filters: size, parameters: size, macs: size, bytes: size },
        ...{ findings: [], notes: [], remarks: [], refusal: null, groups: [], graph: null, execution: null },
        layers: layers.map(layerOf),
      },
    ],
  };
}

/** Two layers in a group, of which another criterion than the spec's was not tried. */
export function untried(): PageData {
  const page = pageOf(['a', 'b'].map((name) => ({ name, filters: 24 })));
  const keptUnder = [
    { criterion: 'union', kept: [12, 12] },
    { criterion: 'intersection', kept: null },
  ];
  const group = { letter: 'A', criterion: 'union', members: [0, 1], keptUnder };
  return {
    ...page,
    models: page.models.map((model) => ({
      ...model,
      groups: [group],
      layers: model.layers.map((layer) => ({ ...layer, group: 0 })),
    })),
  };
}

function layerOf({ name, filters }: Made): LayerData {
  const merged = Float32Array.from({ length: filters }, (_, k) => ((k * 7919) % filters) / filters + 0.01);
  const flags = Uint8Array.from(merged, (value) => (value > 0.5 ? FLAG.expected | FLAG.actual : 0));
  return {
    ...{
      name: pageName(name),
      kind: 'conv',
      filters,
      verdict: 'match',
      group: null,
      rule: 'half',
      reason: 'half of them stay',
    },
    ...{ problem: null, remedy: null, folding: 'raw', explanations: [] },
    flags,
    known: FLAG.expected | FLAG.actual,
    numbers: {
      ...{ criterion: 'own', threshold: 0.5, cut: 0.5, passing: filters / 2, tie: null, merged },
      members: [{ name: pageName(name), values: merged }],
      ...{ rules: new Uint32Array(filters), notes: new Uint32Array(filters), texts: ['half', ''], countRule: null },
    },
  };
}
