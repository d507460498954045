/**
 * A check leaves much garbage: what streams through it is gone at once. V8 lets it grow before it looks: the space of young objects to 32 MB, that of old
 * ones to several times what it held. Here the first stays as small as it begins, and the second grows by a fifth. Peaks in MB, by the resident set of a
 * check without either, with the first, with both; the time of the processor grows by some 5 % (two cores, reports in JSON):
 *
 *     Node 20: Swin-T 164, 136, 123; Node 22: 176, 143, 134; Node 24: 211, 145, 135. Diverging, Node 24: -, 190, 170.
 *
 * To be called before a large model's header is read, where its size tells: by the end of it the first has grown to 8 MB, and does not shrink again. Called after it, Swin-T takes
 * 117 instead of 108 MB under Node 20 and 142 instead of 130 under Node 24, for 8 % less time of the processor.
 *
 * DenseNet-121 (28 MB) takes 97 instead of 126 MB under Node 24 with both, MobileOne-S0 (17 MB, 704 operators) beside half precision 112 instead of 170, and
 * no more time that could be measured. A small model would have its garbage looked for three times as often, which takes 7 ms of its 150, and gains
 * nothing; a graph of 20,000 operators takes a third longer. What is set stays set for the models that come after.
 * Both are read whenever a space would grow (v8/src/heap/new-spaces.cc, memory-controller.cc), and Node does not freeze V8's flags, so that they
 * may be set in a process that runs.
 *
 * Maglev, the compiler between the first and the last, which Node has from 22 on, costs a check more memory and time than it gains: without it ViT-B/16
 * takes 121 instead of 127 MB under Node 24, and Swin-T in half precision 130 instead of 141, both for a tenth less time of the processor.
 */
export function keepGarbageLow(): void {
  // Loaded here: a check of a small model does without it, and without the streams that it loads.
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--no-maglev');
}
