import { data, Evaluator, Lexer, Parser } from '@actions/expressions';

type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** What GitHub makes of `${{ expression }}`, by its own implementation. */
export function evaluated(text: string, contexts: Readonly<Record<string, Value>>): string {
  const expression = /^\$\{\{(.*)\}\}$/s.exec(text.trim())?.[1];
  if (expression === undefined) throw new Error(`no expression: ${text}`);
  const { tokens } = new Lexer(expression).lex();
  const parsed = new Parser(tokens, Object.keys(contexts), []).parse();
  return new Evaluator(parsed, dictionary(contexts)).evaluate().coerceString();
}

function dictionary(entries: Readonly<Record<string, Value>>): data.Dictionary {
  return new data.Dictionary(...Object.entries(entries).map(([key, value]) => ({ key, value: datum(value) })));
}

function datum(value: Value): data.ExpressionData {
  if (value === null) return new data.Null();
  if (typeof value === 'string') return new data.StringData(value);
  if (typeof value === 'number') return new data.NumberData(value);
  if (typeof value === 'boolean') return new data.BooleanData(value);
  return Array.isArray(value)
    ? new data.Array(...value.map(datum))
    : dictionary(value as Readonly<Record<string, Value>>);
}
