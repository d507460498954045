import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** A Chromium that is installed; null where there is none, so that what needs one is skipped visibly. */
export const CHROMIUM = PLACES.find((path) => path !== undefined && existsSync(path)) ?? null;

export function startChromium(): Promise<Browser> {
  // In containers everything runs as root, where Chromium has no sandbox; the pages are our own.
  return chromium.launch({ executablePath: CHROMIUM!, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
