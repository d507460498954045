/** A word of a command that is there to be copied: a shell takes it as it is, whatever a model or a file is called. */
export function shellWord(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
