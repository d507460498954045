// Loaded before the command (node --require): leaves in $PRUNEGATE_WORK how many bytes it read of each file, in all and at most at a time, how often
// it called each function of WebAssembly, and about how many bytes of heap it allocated. Counts, since times mean nothing on a machine that others use.
const fs = require('node:fs');
const { Session } = require('node:inspector');
const { basename } = require('node:path');

const names = new Map();
const files = {};
const largest = {};
const { openSync, readSync } = fs;
fs.openSync = (path, ...rest) => {
  const descriptor = openSync(path, ...rest);
  names.set(descriptor, basename(String(path)));
  return descriptor;
};
fs.readSync = (descriptor, ...rest) => {
  const count = readSync(descriptor, ...rest);
  const name = names.get(descriptor) ?? 'others';
  files[name] = (files[name] ?? 0) + count;
  largest[name] = Math.max(largest[name] ?? 0, count);
  return count;
};

const calls = {};
const { Instance } = WebAssembly;
WebAssembly.Instance = class {
  constructor(...args) {
    const { exports } = new Instance(...args);
    this.exports = {};
    for (const [name, f] of Object.entries(exports)) {
      calls[name] ??= 0;
      this.exports[name] = (...values) => {
        calls[name] += 1;
        return f(...values);
      };
    }
  }
};

const session = new Session();
session.connect();
session.post('HeapProfiler.startSampling', {
  samplingInterval: 4096,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
});

process.on('exit', () => {
  session.post('HeapProfiler.stopSampling', (_, { profile }) => {
    const allocated = profile.samples.reduce((sum, { size }) => sum + size, 0);
    fs.writeFileSync(process.env.PRUNEGATE_WORK, JSON.stringify({ files, largest, calls, allocated }));
  });
});
