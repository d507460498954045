/** What is changed, file by file; the tests beside it, which are quick; and those over whole models, which what is left is tried on. */
export const PARTS = [
  {
    name: 'Retention, order and equalization of TAO',
    files: ['dialects/tao/retention', 'dialects/tao/equalization', 'dialects/tao/argsort', 'dialects/tao/certain'],
    near: ['test/dialects/tao/{retention,equalization,argsort,certain}.test.ts', 'test/dialects/ranks.test.ts'],
    whole: ['test/parity/golden.test.ts'],
  },
  {
    name: 'Scores and rankings of Torch-Pruning',
    files: [
      'dialects/torch-pruning/cut/ranking',
      'dialects/torch-pruning/score/reduction',
      'dialects/torch-pruning/score/normalizer',
      'dialects/torch-pruning/score/magnitudes',
      'dialects/torch-pruning/cut/ranked-groups',
    ],
    near: ['test/dialects/torch-pruning/{cut,score}/*.test.ts'],
    whole: ['test/parity/torch.test.ts'],
  },
  {
    name: 'Recovery: which rows are which',
    files: [
      'recovery/match/choose',
      'recovery/match/assign',
      'recovery/match/zero-rows',
      'recovery/match/by-factor',
      'recovery/match/kernel',
    ],
    near: ['test/recovery/match/{assign,equal-rows,kernel,zero-rows,by-factor}.test.ts'],
    whole: ['test/recovery/**/*.test.ts', 'test/parity/golden.test.ts'],
  },
  {
    name: 'Judging',
    files: [
      'verdict/judge-layer',
      'verdict/judge',
      'verdict/worst',
      'verdict/gate',
      'verdict/gates',
      'verdict/excused',
    ],
    near: ['test/verdict/{worst,gate,gates,judge-layer,judge,excused}.test.ts'],
    whole: ['test/verdict/*.test.ts', 'test/parity/{reported,wrong-models}.test.ts'],
  },
];
