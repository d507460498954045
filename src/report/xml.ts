import { oneLine } from '../errors/input-error.ts';

/** An element of an XML document. */
export interface Element {
  readonly name: string;
  /** Left out where null. */
  readonly attributes: Readonly<Record<string, string | number | null>>;
  readonly children?: readonly Element[];
  /** Lines of text, where it has no elements. */
  readonly lines?: readonly string[];
}

/** The whole document, indented. */
export function xmlDocument(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, '')}`;
}

function element({ name, attributes, children = [], lines = [] }: Element, indent: string): string {
  const given = Object.entries(attributes)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => ` ${key}="${xmlText(String(value))}"`);
  const open = `${indent}<${name}${given.join('')}`;
  const text = lines.map(xmlText).join('\n');
  if (children.length > 0)
    return `${open}>\n${children.map((child) => element(child, `${indent}  `)).join('')}${indent}</${name}>\n`;
  return text === '' ? `${open}/>\n` : `${open}>${text}</${name}>\n`;
}

/** Noncharacters: like controls and halves of a character, XML 1.0 has no way to write them ("Char", section 2.2). */
const NO_CHARACTER = /[\ufffe\uffff]/g;

/** One line of text: what no reader of XML would take, and what nobody would see, is shown by its number. */
function xmlText(text: string): string {
  return oneLine(text)
    .replace(NO_CHARACTER, (character) => `\\u${character.charCodeAt(0).toString(16)}`)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}
