// Data flows one way: a folder imports only from folders above it in this list, types included.
const order = [
  'errors',
  'bytes',
  'prose',
  'tensor-files',
  'onnx',
  'files',
  'config',
  'process',
  'network',
  'dialects',
  'recovery',
  'comparison',
  'lock',
  'surgery',
  'execution',
  'verdict',
  'view',
  'report',
  'setup',
  'github',
  'pipeline',
];

// What runs in a browser as it is: test/frame/browser.test.ts bundles it.
const PURE =
  '^src/((errors|bytes|tensor-files|onnx|network|dialects|recovery|comparison|lock|surgery|verdict|view)/|pipeline/judge-networks)';

module.exports = {
  forbidden: [
    ...order.map((folder, i) => ({
      name: `${folder}-imports-only-from-above`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: [`^src/(${order.slice(i + 1).join('|') || '(?!)'})/`, '^src/[^/]+\\.ts$'] },
    })),
    {
      name: 'pure-rooms-touch-no-machine',
      comment: 'They run in a browser too (test/frame/browser.test.ts): bytes come to them by faces.',
      severity: 'error',
      from: { path: PURE },
      to: { path: '^src/(files|process)/' },
    },
    {
      name: 'pure-rooms-know-no-node',
      severity: 'error',
      from: { path: PURE },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'the-page-reads-its-data-alone',
      comment:
        'What a model is called and computed is put into its data by report/; so that it serves whoever makes such data.',
      severity: 'error',
      from: { path: '^src/view/' },
      to: { path: '^src/(?!(view|prose)/)' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        path: '^src/',
        pathNot: ['^src/(cli|action|pipeline/later|view/page)\\.tsx?$', '\\.d\\.ts$'],
      },
      to: {},
    },
    { name: 'no-unlisted-folder', severity: 'error', from: { path: `^src/(?!(${order.join('|')})/)[^/]+/` }, to: {} },
    {
      name: 'onnxruntime-only-in-execution',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/execution/' },
      to: { path: 'onnxruntime' },
    },
    {
      name: 'actions-toolkit-only-in-github',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(github/|action\\.ts)' },
      to: { path: '@actions/' },
    },
    {
      name: 'declared-dependencies',
      comment:
        'All are bundled into dist/, so that they are devDependencies; what no package.json names would come and go with others.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
