import { normText } from '../../prose/index.ts';
import type { FindingData, LayerVerdict } from '../data/types.ts';
import { smallestMargin } from '../layers.ts';
import { layerAddress, model } from '../state.ts';
import { bytesText } from '../words.ts';
import { VerdictSign } from './verdict.tsx';
import { WhatIf } from './what-if-slider.tsx';

export function Overview() {
  const { findings, notes, remarks, refusal, inputs, verdict } = model.value!;
  return (
    <article aria-label="overview">
      {refusal === null ? null : <p class="callout open">The real pruner raises: {refusal}</p>}
      <Counts />
      <h2>{findings.length === 0 ? 'Findings' : `Findings (${findings.length})`}</h2>
      {findings.length === 0 ? (
        <p>{verdict === 'conforms' ? 'None: every layer keeps what the spec asks for.' : 'None.'}</p>
      ) : (
        <ol class="findings">
          {findings.map((finding, k) => (
            <Finding key={k} finding={finding} />
          ))}
        </ol>
      )}
      <WhatIf />
      <Closest />
      <Remarks title="Notes" lines={notes} />
      <Remarks title="Remarks on the spec" lines={remarks} />
      <h2>Models</h2>
      <dl class="inputs">
        {inputs.map(({ role, path, sha256, folding, bytes }) => (
          <div key={role}>
            <dt>{role}</dt>
            <dd>
              {path}{' '}
              <span class="muted">
                {bytes === null ? '' : bytesText(bytes)} · weights {folding}
              </span>
              {sha256 === null ? null : <code class="digest">sha256 {sha256}</code>}
            </dd>
          </div>
        ))}
      </dl>
    </article>
  );
}

const VERDICTS: readonly LayerVerdict[] = ['mismatch', 'unverifiable', 'ambiguous', 'match'];

function Counts() {
  const { layers } = model.value!;
  const counts = VERDICTS.map(
    (verdict) => [verdict, layers.filter((layer) => layer.verdict === verdict).length] as const,
  );
  return (
    <p class="counts">
      {counts.map(([verdict, n]) =>
        n === 0 ? null : (
          <span key={verdict}>
            <VerdictSign of={verdict} /> {n} of {layers.length} layers {WORDS[verdict]}
          </span>
        ),
      )}
    </p>
  );
}

const WORDS: Readonly<Record<LayerVerdict, string>> = {
  mismatch: 'keep something else',
  unverifiable: 'could not be verified',
  ambiguous: 'differ only where either is right',
  match: 'match',
};

const MOST_CLOSE = 5;

/** Where a little more training, or another machine, might have decided otherwise. */
function Closest() {
  const layers = model
    .value!.layers.map((layer, k) => ({ k, name: layer.name, margin: smallestMargin(layer) }))
    .filter(({ margin }) => margin !== null)
    .sort((a, b) => a.margin! - b.margin!)
    .slice(0, MOST_CLOSE);
  return layers.length === 0 ? null : (
    <>
      <h2>Closest to the cut</h2>
      <ol class="closest">
        {layers.map(({ k, name, margin }) => (
          <li key={k}>
            <a href={layerAddress(k)}>{name}</a> <span class="muted">{normText(margin!)}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

/** Layers of a finding that are named; all are in the list. */
const MOST = 12;

function Finding({ finding }: { readonly finding: FindingData }) {
  const { layers } = model.value!;
  return (
    <li class={finding.verdict === 'mismatch' ? 'bad' : 'open'}>
      <h3>
        {finding.title} <span class="kind">{finding.kind}</span>
      </h3>
      {finding.place === '' ? null : <code class="place">{finding.place}</code>}
      {finding.details.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {finding.cause === null ? null : <p class="cause">{finding.cause}</p>}
      {finding.layers.length === 0 ? null : (
        <p class="links">
          {finding.layers.slice(0, MOST).map((k) => (
            <a key={k} href={layerAddress(k)}>
              {layers[k]!.name}
            </a>
          ))}
          {finding.layers.length > MOST ? <span class="muted">and {finding.layers.length - MOST} more</span> : null}
        </p>
      )}
    </li>
  );
}

function Remarks({ title, lines }: { readonly title: string; readonly lines: readonly string[] }) {
  return lines.length === 0 ? null : (
    <>
      <h2>{title}</h2>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  );
}
