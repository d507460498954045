import { useCallback } from 'preact/hooks';
import { Canvas, type Pen } from '../charts/canvas.tsx';
import { drawBars } from '../charts/draw.ts';
import type { LayerData } from '../data/types.ts';
import { countOf, orderOf, ownValues } from '../layers.ts';
import { layer as chosen, layerAddress, model } from '../state.ts';
import { VerdictSign } from './verdict.tsx';

/** Members that are drawn; the others are named in the list. */
const MOST = 12;

/** Layers that are pruned alike, each with its own values, and what other ways of merging them would keep. */
export function GroupView({ group }: { readonly group: number }) {
  const { layers, groups } = model.value!;
  const { letter, criterion, members, keptUnder } = groups[group]!;
  return (
    <section aria-label={`group ${letter}`}>
      <h3>
        Group {letter}: {members.length} layers, {criterion}
      </h3>
      <div class="members">
        {members.slice(0, MOST).map((k) => (
          <Member key={k} at={k} layer={layers[k]!} />
        ))}
      </div>
      {members.length > MOST ? <p class="muted">and {members.length - MOST} more layers</p> : null}
      {keptUnder.length < 2 ? null : (
        <section class="scroll" tabIndex={0} aria-label="other criteria">
          <table>
            <caption>What each way of merging would keep</caption>
            <thead>
              <tr>
                <th scope="col">criterion</th>
                {members.slice(0, MOST).map((k) => (
                  <th scope="col" class="number" key={k}>
                    {layers[k]!.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {keptUnder.map(({ criterion: other, kept }) => (
                <tr key={other} class={other === criterion ? 'chosen' : ''}>
                  <th scope="row">
                    {other}
                    {other === criterion ? ' (the spec)' : ''}
                  </th>
                  {kept === null ? (
                    <td class="muted" colSpan={Math.min(members.length, MOST)}>
                      not tried: too many element-wise operators over too many layers
                    </td>
                  ) : (
                    kept.slice(0, MOST).map((n, k) => (
                      <td class="number" key={members[k]}>
                        {n ?? '?'}
                      </td>
                    ))
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

/** In the order of the layer that is shown, so that one filter stands below the other. */
function Member({ at, layer }: { readonly at: number; readonly layer: LayerData }) {
  const values = ownValues(layer);
  const leader = chosen.value!;
  const order = leader.filters === layer.filters ? orderOf(leader) : orderOf(layer);
  const draw = useCallback(
    (pen: Pen) => {
      if (values === null) return;
      let top = 0;
      for (const value of values) if (value > top) top = value;
      const stretch = { from: 0, to: layer.filters };
      drawBars(pen, { layer, order, stretch, values, own: null, scale: { from: 0, to: top } });
    },
    [layer, order, values],
  );
  return (
    <figure>
      <figcaption>
        <VerdictSign of={layer.verdict} /> <a href={layerAddress(at)}>{layer.name}</a>{' '}
        <span class="muted">{countOf(layer, 'alone') === null ? '' : `${countOf(layer, 'alone')} on its own`}</span>
      </figcaption>
      {values === null ? (
        <p class="muted">no values</p>
      ) : (
        <Canvas height={84} label={`own values of ${layer.name}, filter by filter`} draw={draw} />
      )}
    </figure>
  );
}
