/** One score for each channel, and how far float32 arithmetic in no fixed order may be off. */
export interface Scores {
  readonly values: Float64Array;
  readonly errors: Float64Array;
}

/** Why scores cannot be told, and what can be done. */
export interface Unknown {
  readonly unknown: string;
  readonly remedy: string | null;
}

export function isUnknown(value: Scores | Unknown | null): value is Unknown {
  return value !== null && 'unknown' in value;
}
