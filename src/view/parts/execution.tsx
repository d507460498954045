import type { ExecutionData, Quartiles } from '../data/types.ts';
import { short } from '../layers.ts';
import { layerAddress, model } from '../state.ts';

export function Execution() {
  const { execution } = model.value!;
  if (execution === null)
    return (
      <article aria-label="execution">
        <h2>Execution</h2>
        <p>
          The models were not executed. <code>prunegate check --execute</code> runs both and compares what they compute.
        </p>
      </article>
    );
  const { verdict, reason, provider, providerDetail, runtime, outputs, cases, inputs } = execution;
  return (
    <article aria-label="execution">
      <h2>
        Execution{' '}
        <span class={`verdict ${verdict === 'equal' ? 'good' : verdict === 'different' ? 'bad' : 'open'}`}>
          {verdict ?? 'not compared'}
        </span>
      </h2>
      <p>{reason}</p>
      <FirstDifference of={execution} />
      <p class="muted">
        onnxruntime {runtime} on {provider}. {providerDetail}
      </p>
      {execution.latency === null ? null : <Latency of={execution.latency} />}
      <section class="scroll" tabIndex={0} aria-label="outputs">
        <table>
          <caption>Outputs, compared at a tolerance of {short(execution.tolerance)}</caption>
          <thead>
            <tr>
              <th scope="col">output</th>
              <th scope="col">outcome</th>
              <th scope="col" class="number">
                largest difference
              </th>
              <th scope="col" class="number">
                relative
              </th>
            </tr>
          </thead>
          <tbody>
            {outputs.map(({ name, outcome, maxAbsDiff, maxRelDiff }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{outcome}</td>
                <td class="number">{short(maxAbsDiff)}</td>
                <td class="number">{short(maxRelDiff)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <h3>What was fed</h3>
      <ul>
        {[...inputs, ...cases].map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </article>
  );
}

function FirstDifference({ of: { firstDifference } }: { readonly of: ExecutionData }) {
  if (firstDifference === null) return null;
  const { layer, tensor, detail } = firstDifference;
  const at = model.value!.layers.findIndex(({ name }) => name === layer);
  return (
    <p class="callout bad">
      The first layer that differs is {at < 0 ? <strong>{layer}</strong> : <a href={layerAddress(at)}>{layer}</a>}{' '}
      (tensor {tensor}): {detail}
    </p>
  );
}

const WIDTH = 640;
const LEFT = 70;
const RIGHT = 90;

/** Quartiles and medians on one axis from zero. */
function Latency({ of: { dense, pruned, ratio, runs } }: { readonly of: NonNullable<ExecutionData['latency']> }) {
  const most = Math.max(dense.high, pruned.high) || 1;
  const x = (ms: number): number => LEFT + (ms / most) * (WIDTH - LEFT - RIGHT);
  const row = (name: string, { low, median, high }: Quartiles, y: number) => (
    <g key={name}>
      <text x={0} y={y + 15} class="axis">
        {name}
      </text>
      <rect x={LEFT} y={y + 8} width={x(median) - LEFT} height={4} class="reach" />
      <rect x={x(low)} y={y + 2} width={Math.max(2, x(high) - x(low))} height={16} class="box" />
      <line x1={x(median)} x2={x(median)} y1={y} y2={y + 20} class="median" />
      <text x={x(high) + 8} y={y + 15} class="axis">
        {short(median)} ms
      </text>
    </g>
  );
  return (
    <figure>
      <figcaption>
        Latency: the pruned model takes {short(ratio)} of the dense one's time; medians and quartiles of {runs} runs
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} 56`}
        class="latency"
        role="img"
        aria-label={`dense ${short(dense.median)} ms, pruned ${short(pruned.median)} ms`}
      >
        {row('dense', dense, 2)}
        {row('pruned', pruned, 32)}
      </svg>
    </figure>
  );
}
