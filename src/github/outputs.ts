import * as core from '@actions/core';
import { firstLine, messageOf } from './trouble.ts';

/** As action.yml describes them. */
export const OUTPUTS = [
  ...(['verdict', 'conclusion', 'mismatched-layers', 'report-json', 'matrix'] as const),
  ...(['matched', 'mismatched', 'ambiguous', 'unverifiable', 'comment-url'] as const),
] as const;

export type Outputs = Readonly<Partial<Record<(typeof OUTPUTS)[number], string | number>>>;

/**
 * Sets outputs of the step.
 * @returns a sentence where they could not all be set, else null. Who reads them then finds none, so the step must fail.
 */
export function setOutputs(outputs: Outputs): string | null {
  try {
    for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value);
    return null;
  } catch (error) {
    return `The step's outputs could not be written to GITHUB_OUTPUT: ${firstLine(messageOf(error))}`;
  }
}
