/**
 * Names as a sentence has them: up to three in full, more as two and a count.
 * @param count how many there are, where only the first three or more are given
 */
export function joined(names: readonly string[], others = 'more layers', count = names.length): string {
  if (count <= 2) return names.join(' and ');
  const rest = count === 3 ? names[2] : `${count - 2} ${others}`;
  return `${names[0]}, ${names[1]} and ${rest}`;
}

/**
 * The first of a list, and how many more there are: `a, b, c and 4 more`.
 * @param count how many there are, where only the first are given
 */
export function listed(items: readonly string[], most: number, count = items.length): string {
  const more = count - most;
  return `${items.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `no filters`, `1 filter`, `12 filters`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n === 0 ? 'no' : n} ${n === 1 ? one : many}`;
}

/** With an end, where it has none. */
export function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** Words that our own sentences begin with. Names of layers, tensors and programs keep their spelling. */
const FIRST_WORDS =
  /^(?:a|all|an|both|each|every|expected|filter|filters|found|input|inputs|it|its|no|nodes|none|not|nothing|of|one|only|output|outputs|several|that|the|there|they|this|what|which) /;

/** A sentence that may begin with a name: capitalized where it begins with a word of ours. */
export function capitalized(text: string): string {
  return FIRST_WORDS.test(text) ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text;
}

/** As it goes on after a colon. */
export function decapitalized(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
