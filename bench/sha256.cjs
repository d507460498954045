// SHA-256 of a file, read in pieces as a check reads it: what a report that names it takes at least.
const { createHash } = require('node:crypto');
const { openSync, readSync } = require('node:fs');

const file = openSync(process.argv[2]);
const piece = Buffer.allocUnsafe(512 * 1024);
const hash = createHash('sha256');
for (;;) {
  const length = readSync(file, piece, 0, piece.length, null);
  if (length === 0) break;
  hash.update(piece.subarray(0, length));
}
process.stdout.write(`${hash.digest('hex')}\n`);
