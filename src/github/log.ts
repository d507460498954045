/**
 * Text that the runner must print and not obey. It reads `::command::` at the start of a line and `##[command]` anywhere,
 * on both streams (actions/runner ActionCommand.cs).
 */
export function neutral(text: string): string {
  return text.replace(/^(\s*):(?=:)/gm, '$1:\u200b').replace(/##(?=\[)/g, '##\u200b');
}
