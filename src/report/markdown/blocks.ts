import { thousands } from '../../prose/index.ts';
import { escaped } from '../escape.ts';

/** Text of a model's or a user's, longer than anybody reads on. */
const MAX_LINE = 400;

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => ':--'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** @param title plain text of ours: markdown is not read there */
export function folded(title: string, markdown: string): string {
  return `<details><summary>${title}</summary>\n\n${markdown}\n\n</details>`;
}

export function more(count: number, what: string, where: string): string[] {
  return count > 0 ? [`... ${thousands(count)} ${what} ${where}.`] : [];
}

export function line(text: string): string {
  return escaped(text, MAX_LINE);
}
