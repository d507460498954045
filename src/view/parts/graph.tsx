import { Graph as LaidOut, layout } from '@dagrejs/dagre';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { GraphData, ModelData } from '../data/types.ts';
import { keptOf } from '../layers.ts';
import { layerAddress, model, route } from '../state.ts';
import { GROUP_COLOURS } from './group-chip.tsx';

/** Laying out more takes longer than a reader waits. */
const MOST_NODES = 700;
const NODE = { width: 190, height: 40 };
const JOINT = { width: 64, height: 26 };

interface Placed {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly { readonly at: number; readonly x: number; readonly y: number }[];
  readonly edges: readonly { readonly path: string; readonly from: number }[];
}

export function Graph() {
  const shown = model.value!;
  const { graph } = shown;
  if (graph === null) return <p class="muted">There is no graph of this model in the report.</p>;
  if (graph.nodes.length > MOST_NODES)
    return (
      <p class="note">
        The graph has {graph.nodes.length} layers and joints, more than a picture can show; the list on the left has
        them in its order.
      </p>
    );
  return <Picture key={shown.name} graph={graph} shown={shown} />;
}

function Picture({ graph, shown }: { readonly graph: GraphData; readonly shown: ModelData }) {
  const placed = useMemo(() => place(graph), [graph]);
  const [scale, setScale] = useState(1);
  const box = useRef<HTMLElement>(null);
  const chosen = route.value.layer ?? shown.layers.findIndex(({ verdict }) => verdict === 'mismatch');
  useEffect(() => {
    const node = placed.nodes.find(({ at }) => graph.nodes[at]!.layer === chosen);
    const element = box.current!;
    element.scrollLeft = (node?.x ?? placed.width / 2) * scale - element.clientWidth / 2;
    if (node !== undefined) element.scrollTop = node.y * scale - element.clientHeight / 2;
  }, [placed, scale]);
  const fit = () => {
    const { clientWidth, clientHeight } = box.current!;
    setScale(Math.min(1, clientWidth / placed.width, clientHeight / placed.height));
  };
  return (
    <article aria-label="graph">
      <p class="graph-tools">
        <button type="button" onClick={() => setScale(Math.min(2, scale * 1.25))}>
          larger
        </button>
        <button type="button" onClick={() => setScale(Math.max(0.05, scale / 1.25))}>
          smaller
        </button>
        <button type="button" onClick={fit}>
          all of it
        </button>
        <span class="muted">
          Lines are as wide as the channels that are kept. Layers of one group have one colour and letter.
        </span>
      </p>
      <section class="graph" ref={box} tabIndex={0} aria-label="graph of layers">
        <svg
          width={placed.width * scale}
          height={placed.height * scale}
          viewBox={`0 0 ${placed.width} ${placed.height}`}
        >
          {placed.edges.map(({ path, from }, k) => (
            <path key={k} d={path} class="edge" stroke-width={widthOf(shown, graph.nodes[from]!.layer)} />
          ))}
          {placed.nodes.map(({ at, x, y }) => (
            <Node
              key={at}
              at={at}
              x={x}
              y={y}
              graph={graph}
              shown={shown}
              isChosen={graph.nodes[at]!.layer === chosen}
            />
          ))}
        </svg>
      </section>
    </article>
  );
}

interface NodeProps {
  readonly at: number;
  readonly x: number;
  readonly y: number;
  readonly graph: GraphData;
  readonly shown: ModelData;
  readonly isChosen: boolean;
}

function Node({ at, x, y, graph, shown, isChosen }: NodeProps) {
  const { layer: k, label } = graph.nodes[at]!;
  const layer = k === null ? undefined : shown.layers[k];
  if (k === null || layer === undefined)
    return (
      <g transform={`translate(${x - JOINT.width / 2} ${y - JOINT.height / 2})`} class="joint">
        <rect width={JOINT.width} height={JOINT.height} rx={13} />
        <text x={JOINT.width / 2} y={17} text-anchor="middle">
          {cut(label, 9)}
        </text>
      </g>
    );
  const { width, height } = NODE;
  const kept = keptOf(layer);
  const group = layer.group === null ? undefined : shown.groups[layer.group];
  const share = kept === null ? 0 : kept / layer.filters;
  return (
    <a href={layerAddress(k)}>
      <g
        transform={`translate(${x - width / 2} ${y - height / 2})`}
        class={`node ${layer.verdict ?? ''} ${isChosen ? 'chosen' : ''}`}
      >
        <rect width={width} height={height} rx={5} class="ground" />
        <rect width={width * share} height={4} y={height - 4} class="fill" />
        {group === undefined ? null : <rect width={6} height={height} class={`g${layer.group! % GROUP_COLOURS}`} />}
        <text x={12} y={16} class="title">
          {sign(layer.verdict)}
          {cut(layer.name, 25)}
        </text>
        <text x={12} y={31} class="detail">
          {kept ?? '?'} of {layer.filters}
          {group === undefined ? '' : ` · ${group.letter}`}
        </text>
      </g>
    </a>
  );
}

function sign(verdict: string | null): string {
  return verdict === 'mismatch' ? '✗ ' : verdict === 'unverifiable' ? '? ' : verdict === 'ambiguous' ? '≈ ' : '';
}

/** The end of a name tells layers apart. */
function cut(name: string, length: number): string {
  return name.length <= length ? name : `…${name.slice(name.length - length + 1)}`;
}

function widthOf({ layers }: ModelData, from: number | null): number {
  const kept = from === null ? null : keptOf(layers[from]!);
  return kept === null ? 1.5 : Math.max(1, Math.min(10, Math.sqrt(kept) / 3));
}

function place({ nodes, edges }: GraphData): Placed {
  const graph = new LaidOut({ directed: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 22, ranksep: 26, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [k, { layer }] of nodes.entries()) graph.setNode(String(k), { ...(layer === null ? JOINT : NODE) });
  for (let k = 0; k < edges.length; k += 2) graph.setEdge(String(edges[k]), String(edges[k + 1]));
  layout(graph);
  const { width = 1, height = 1 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    nodes: nodes.map((_, at) => {
      const { x, y } = graph.node(String(at)) as { x: number; y: number };
      return { at, x, y };
    }),
    edges: graph.edges().map((edge: { readonly v: string; readonly w: string }) => {
      const { points } = graph.edge(edge) as { points: readonly { x: number; y: number }[] };
      return { path: curve(points), from: Number(edge.v) };
    }),
  };
}

/** Straight at the ends, round between. */
function curve(points: readonly { readonly x: number; readonly y: number }[]): string {
  const [first, ...rest] = points.map(({ x, y }) => [x, y] as const);
  if (first === undefined) return '';
  const parts = [`M${first[0]} ${first[1]}`];
  for (const [k, [x, y]] of rest.entries()) {
    const next = rest[k + 1];
    if (next === undefined) parts.push(`L${x} ${y}`);
    else parts.push(`Q${x} ${y} ${(x + next[0]) / 2} ${(y + next[1]) / 2}`);
  }
  return parts.join('');
}
