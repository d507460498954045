import { type ModelRequest, nearest } from '../config/index.ts';
import { type Expectation, type LayerExpectation, readSpec } from '../dialects/index.ts';
import { InputError } from '../errors/input-error.ts';
import {
  escaped,
  explainModel,
  explanationTable,
  layerExplanationMarkdown,
  modelExplanationMarkdown,
  renderJson,
  renderLayerExplanation,
  renderModelExplanation,
  shortLine,
  shortName,
} from '../report/index.ts';
import { withModels } from './models.ts';

/** What is asked: a layer, one of its filters, or neither for the whole model. */
export interface Question {
  readonly layer: string | null;
  /** Its index as the user wrote it. */
  readonly filter: string | null;
  /** Every filter, not only those near the cut. */
  readonly all: boolean;
}

export interface Explained {
  readonly text: string;
  readonly exitCode: 0 | 3;
}

/** What is known, in each of its forms. */
interface Answer {
  value(): object;
  text(): string;
  markdown(): string;
  readonly isKnown: boolean;
}

/**
 * The numbers behind what one layer, or the whole model, should retain.
 * @throws InputError for whatever the user can mend
 */
export function explain(request: ModelRequest, question: Question): Promise<Explained> {
  const pruner = readSpec(request.spec, request.at('spec'));
  return withModels({ isHashed: false }, ({ read }) => {
    const dense = read(request.dense);
    const expectation = pruner.expect(dense, request.folding);
    if (question.layer === null) {
      if (question.filter !== null) throw new InputError('needs --layer', { key: '--filter' });
      return formatted(request, {
        value: () => explainModel(expectation),
        text: () => renderModelExplanation(expectation, pruner.spec),
        markdown: () => modelExplanationMarkdown(expectation, pruner.spec),
        isKnown: !raises(expectation) && [...expectation.layers.values()].every(({ expected }) => expected !== null),
      });
    }
    const layer = layerNamed(question.layer, expectation, request.dense);
    const filter = filterIndex(question.filter, dense.prunable.get(layer.name)?.filters ?? 0);
    return formatted(request, explainLayer(expectation, layer, filter, question.all));
  });
}

function explainLayer(expectation: Expectation, layer: LayerExpectation, filter: number | null, all: boolean): Answer {
  const sentence = filter === null ? null : expectation.explain(layer.name, filter);
  const numbers = expectation.explainLayer(layer.name);
  const shown = sentence === null ? numbers : null;
  const raised = raises(expectation) && numbers !== null ? [layer.reason] : [];
  const lines = shown === null ? [...(sentence === null ? reasonOf(layer) : [sentence]), ...raised] : raised;
  return {
    value: () => ({
      ...layer,
      explanation: numbers === null ? null : explanationTable(numbers, { all: true }),
      filter: sentence,
    }),
    text: () =>
      `${shown === null ? '' : renderLayerExplanation(shown, all)}${lines.map((each) => `${shortLine(each)}\n`).join('')}`,
    markdown: () =>
      [
        ...(shown === null ? [] : [layerExplanationMarkdown(shown, all)]),
        ...lines.map((each) => `${escaped(shortLine(each))}\n`),
      ].join('\n'),
    isKnown: layer.expected !== null && !raises(expectation),
  };
}

/** Of a layer without numbers. */
function reasonOf({ name, reason, remedy }: LayerExpectation): readonly string[] {
  return [`${shortName(name)}: ${reason}`, ...(remedy === null ? [] : [remedy])];
}

/** Whether the real pruner raises on the model whatever it chooses where it may choose. */
function raises({ refusal }: Expectation): boolean {
  return refusal?.always === true;
}

function layerNamed(name: string, { layers }: Expectation, model: string): LayerExpectation {
  const known = layers.get(name);
  if (known !== undefined) return known;
  const meant = nearest(name, [...layers.keys()]);
  const hint = meant === null ? '' : `: did you mean ${meant}?`;
  throw new InputError(`is no layer of ${model}${hint}`, { key: '--layer', value: name });
}

function filterIndex(text: string | null, filters: number): number | null {
  if (text === null) return null;
  const index = Number(text);
  if (Number.isInteger(index) && index >= 0 && index < filters) return index;
  throw new InputError(`must be a filter's index, 0 to ${filters - 1}`, { key: '--filter', value: text });
}

function formatted({ format }: ModelRequest, { value, text, markdown, isKnown }: Answer): Explained {
  const exitCode = isKnown ? 0 : 3;
  switch (format) {
    case 'json':
      return { text: renderJson(value()), exitCode };
    case 'markdown':
      return { text: markdown(), exitCode };
    case 'html':
      throw new InputError('explain prints text, json or markdown; the page of check has all layers', {
        key: '--format',
      });
    case 'text':
      return { text: text(), exitCode };
    default:
      throw new InputError('must be text, json or markdown: an explanation is no report', {
        key: '--format',
        value: format,
      });
  }
}
