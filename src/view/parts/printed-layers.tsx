import { countOf, keptOf } from '../layers.ts';
import { model } from '../state.ts';

/** Every layer, where the list on the screen shows those in sight. */
export function PrintedLayers() {
  const shown = model.value;
  if (shown === null) return null;
  return (
    <table class="printed">
      <caption>All layers</caption>
      <thead>
        <tr>
          <th>layer</th>
          <th>verdict</th>
          <th>kept</th>
          <th>expected</th>
          <th>group</th>
          <th>rule</th>
        </tr>
      </thead>
      <tbody>
        {shown.layers.map((layer, k) => (
          <tr key={k}>
            <td>{layer.name}</td>
            <td>{layer.verdict ?? ''}</td>
            <td>
              {keptOf(layer) ?? '?'} of {layer.filters}
            </td>
            <td>{countOf(layer, 'expected') ?? '?'}</td>
            <td>{layer.group === null ? '' : shown.groups[layer.group]?.letter}</td>
            <td>{layer.rule}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
