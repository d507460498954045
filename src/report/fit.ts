import { widthOf } from './columns.ts';

/** Narrower terminals get lines as they are. */
const NARROWEST = 40;
/** Places that the last column of a table needs to go on below itself. */
const LEAST_ROOM = 24;
/** Commands are copied whole: a terminal that breaks their line itself adds nothing to them. */
const COPIED = /^ {6}\S|\bprunegate explain /;

/** Text for a terminal of so many places. What is longer goes on in the next line, below the column or the indented text that it belongs to. */
export function fitted(text: string, width: number): string {
  if (width < NARROWEST) return text;
  return text
    .split('\n')
    .map((line) => (widthOf(line) <= width || COPIED.test(line) ? line : wrapped(line, width)))
    .join('\n');
}

function wrapped(line: string, width: number): string {
  const { begin, end, hanging, hasRoom } = breakOf(line, width);
  const lines = hasRoom ? [] : [line.slice(0, begin)];
  let current = hasRoom ? line.slice(0, end) : ' '.repeat(hanging);
  let filled = widthOf(current);
  for (const [k, word] of line.slice(end).split(' ').entries()) {
    const own = widthOf(word);
    if (k === 0 || filled + 1 + own <= width) {
      current += k === 0 ? word : ` ${word}`;
      filled += (k === 0 ? 0 : 1) + own;
    } else {
      lines.push(current);
      current = ' '.repeat(hanging) + word;
      filled = hanging + own;
    }
  }
  return [...lines, current].join('\n');
}

/** Where a line has its last column, and how far in goes on what does not fit: there, or below the last column before it that has room for words. */
interface Break {
  /** The gap before it. */
  readonly begin: number;
  readonly end: number;
  readonly hanging: number;
  /** Else it begins in the next line. */
  readonly hasRoom: boolean;
}

/** Of a line without columns, the text begins behind its indent, and goes on two places farther in. */
function breakOf(line: string, width: number): Break {
  const indent = /^ */.exec(line)![0].length;
  let last: Break = { begin: 0, end: indent, hanging: indent + 2, hasRoom: true };
  for (const { index, 0: gap } of line.matchAll(/ {2,}/g)) {
    const end = index + gap.length;
    if (index === 0 || end === line.length) continue;
    const own = widthOf(line.slice(0, end));
    const hasRoom = own <= width - LEAST_ROOM;
    last = { begin: index, end, hanging: hasRoom ? own : last.hanging, hasRoom };
  }
  return last;
}
