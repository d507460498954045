import { neutral } from './neutral.ts';

/** Characters of one line: what is longer is shown in pieces, so that output without line ends stays bounded in memory. */
const MAX_LINE = 8192;
/** A progress bar is redrawn up to sixty times a second, and every time would be a line of the log. */
const REDRAW_MS = 1000;

/** Escape sequences of terminals: CSI, the strings (OSC, DCS, SOS, PM, APC) with their end, and all others (ECMA-48). */
const SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;
/** Colours and type faces, which every log shows and which do nothing else. */
const COLOUR = /^\u001b\[[\d;:]*m$/;
/** Control characters but tab and colours' escape, and overrides of the writing direction, which make a line read as what it is not. */
const HARMFUL =
  /(?:[\u0000-\u0007\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|\u001b(?!\[[\d;:]*m))+/g;

/** Most lines hold nothing that the rest of this file is about. */
const SUSPECT = /[^\t -~]|::|##\[/;

export interface LineSplitter {
  write(bytes: Uint8Array): void;
  /** Shows what is left of an unfinished line. */
  end(): void;
}

/**
 * Makes lines that are safe to show of a command's output: any bytes, not UTF-8 either, of any length. Colours stay; other escape sequences go;
 * nothing in a line can act on the runner.
 * @param show takes one line, which has no line end.
 */
export function splitLines(show: (line: string) => void, now: () => number = Date.now): LineSplitter {
  const decoder = new TextDecoder();
  let pending = '';
  let redrawnAt = Number.NEGATIVE_INFINITY;

  const take = (text: string): void => {
    pending += text;
    // A carriage return at the very end may be the first half of a line end.
    const parts = pending.split(/(\r\n|\n|\r(?!$))/);
    pending = parts.pop() ?? '';
    for (let i = 0; i < parts.length; i += 2) finish(parts[i] ?? '', parts[i + 1] ?? '');
    pending = showPieces(pending);
  };

  /** Shows a long text but for its last piece, which it returns. */
  const showPieces = (text: string): string => {
    let rest = text;
    while (rest.length > MAX_LINE) {
      const length = pieceLength(rest);
      show(safe(rest.slice(0, length)));
      rest = rest.slice(length);
    }
    return rest;
  };

  const finish = (line: string, end: string): void => {
    if (end === '\r') {
      if (line === '' || now() - redrawnAt < REDRAW_MS) return;
      redrawnAt = now();
    }
    show(safe(showPieces(line)));
  };

  return {
    write: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end: () => {
      take(decoder.decode());
      const rest = pending.replace(/\r$/, '');
      if (rest !== '') show(safe(rest));
      pending = '';
    },
  };
}

function safe(line: string): string {
  if (!SUSPECT.test(line)) return line;
  const shown = line
    .replace(SEQUENCE, (sequence) => (COLOUR.test(sequence) ? sequence : ''))
    // Keras takes its progress bar back with backspaces.
    .replace(/\u0008/g, '')
    .replace(HARMFUL, '\ufffd');
  return neutral(shown);
}

/** A line without its colours, to be quoted. */
export function withoutColours(line: string): string {
  return line.replace(/\u001b\[[\d;:]*m/g, '');
}

/** As much of a long text as makes one line, no character cut in two. */
function pieceLength(text: string): number {
  const last = text.charCodeAt(MAX_LINE - 1);
  return last >= 0xd800 && last <= 0xdbff ? MAX_LINE - 1 : MAX_LINE;
}
