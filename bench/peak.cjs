// Loaded before the program by bench/run.mjs where there is no /usr/bin/time: leaves the most memory that the process held.
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  writeFileSync(process.env.PRUNEGATE_BENCH_PEAK, String(process.resourceUsage().maxRSS * 1024));
});
