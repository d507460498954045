import type { ModelData } from '../data/types.ts';
import { nextTheme } from '../keys.ts';
import { short } from '../layers.ts';
import { go, isHelpOpen, model, page, route, theme } from '../state.ts';
import { bytesText, change, count } from '../words.ts';
import { VerdictWord } from './verdict.tsx';

export function Head() {
  const shown = model.value;
  return (
    <header>
      <div class="headline">
        <h1>{shown?.name ?? 'no model'}</h1>
        <VerdictWord of={shown?.verdict ?? page.value?.verdict ?? null} />
        <ModelPicker />
        <span class="tools">
          <button type="button" onClick={nextTheme} title="light or dark (t)">
            {theme.value === 'auto' ? 'theme: auto' : `theme: ${theme.value}`}
          </button>
          <button type="button" onClick={() => (isHelpOpen.value = true)} title="keys (?)">
            keys
          </button>
        </span>
      </div>
      {shown === null ? null : <Cause of={shown} />}
      {shown === null ? null : <Facts of={shown} />}
      <Errors />
    </header>
  );
}

function ModelPicker() {
  const models = page.value?.models ?? [];
  if (models.length < 2) return null;
  return (
    <label class="picker">
      model{' '}
      <select
        value={route.value.model}
        onChange={({ currentTarget }) =>
          go({ model: Number(currentTarget.value), tab: 'overview', layer: null, filter: null })
        }
      >
        {models.map(({ name, verdict }, k) => (
          <option key={name} value={k}>
            {name} – {verdict ?? 'not judged'}
          </option>
        ))}
      </select>
    </label>
  );
}

function Errors() {
  const errors = page.value?.errors ?? [];
  return errors.length === 0 ? null : (
    <ul class="errors">
      {errors.map(({ model: name, message }) => (
        <li key={name}>
          <strong>{name}</strong> was not checked: {message}
        </li>
      ))}
    </ul>
  );
}

/** The worst finding comes first; what explains others alone stands with them. */
function Cause({ of: { findings } }: { readonly of: ModelData }) {
  const cause = findings[0]?.cause ?? null;
  return cause === null ? null : (
    <p class="likely">
      <strong>Likely cause:</strong> {cause}
    </p>
  );
}

/** As many digits as tell two models apart; the overview has all. */
const DIGITS = 12;

/** Sizes before and after, and how long both take. */
function Facts({ of: { totals, dialect, spec, inputs, execution } }: { readonly of: ModelData }) {
  const sizes = [
    ['filters', totals.filters, count],
    ['parameters', totals.parameters, count],
    ['multiply-accumulates', totals.macs, count],
    ['bytes', totals.bytes, bytesText],
  ] as const;
  return (
    <>
      <p class="facts">
        {sizes.map(([name, { dense, pruned }, text]) =>
          dense === null ? null : (
            <span class="fact" key={name}>
              {text(dense)}
              {pruned === null ? '' : ` → ${text(pruned)}`} {name === 'bytes' ? '' : name}
              {pruned === null ? '' : <span class="muted"> {change(pruned, dense)}</span>}
            </span>
          ),
        )}
        {execution?.latency == null ? null : (
          <span class="fact">
            {short(execution.latency.dense.median)} → {short(execution.latency.pruned.median)} ms
            <span class="muted"> {change(execution.latency.ratio, 1)}</span>
          </span>
        )}
      </p>
      <p class="spec">
        {spec === null ? '' : `${dialect} · ${spec}`}
        {inputs.map(({ role, sha256 }) =>
          sha256 === null ? null : (
            <span class="digests" key={role} title={`sha256 ${sha256}`}>
              {role} <code>{sha256.slice(0, DIGITS)}</code>
            </span>
          ),
        )}
      </p>
    </>
  );
}
