/**
 * Text that the runner must print and not obey. It reads `::command::` at the start of a line, after white space, and `##[command]` anywhere, on
 * both streams (actions/runner ActionCommand.cs); a carriage return starts a line as well. White space is what .NET takes for it, which counts NEL
 * (U+0085); control and format characters go with it, for the runner's comparison may skip them.
 */
export function neutral(text: string): string {
  return text.replace(/^((?:(?![\r\n])[\s\p{C}])*):(?=:)/gmu, '$1: ').replace(/##(?=\[)/g, '## ');
}
