import type { FindingData } from '../data/types.ts';
import { layerAddress, model } from '../state.ts';
import { bytesText } from '../words.ts';
import { WhatIf } from './what-if-slider.tsx';

export function Overview() {
  const { findings, notes, remarks, refusal, inputs, verdict } = model.value!;
  const [cause] = findings.flatMap((finding) => finding.cause ?? []);
  return (
    <article aria-label="overview">
      {cause === undefined ? null : (
        <section class="callout bad" aria-label="likely cause">
          <h2>Likely cause</h2>
          <p>{cause}</p>
        </section>
      )}
      {refusal === null ? null : <p class="callout open">The real pruner raises: {refusal}</p>}
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
