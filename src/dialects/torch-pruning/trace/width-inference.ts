import type { Module } from './module-graph.ts';

/** Channels of operations, which have none of their own, as Torch-Pruning infers them from the modules around (dependency/shape_infer.py). */
export interface WidthInference {
  /** From what a module makes: its own channels, else those of what it reads. */
  out(module: Module): number | null;
  /** From what reads it. */
  in(module: Module): number | null;
}

type Width = number | null;

export function widthInference(): WidthInference {
  const out = inferred(outWidth, (module) => (hasOut(module) ? [] : module.inputs.map(({ from }) => from)));
  const parts = partsOf(out);
  const into = inferred(
    (module, known) => inWidth(module, known, out, parts),
    (module) => (module.inWidth !== null ? [] : module.outputs.map(({ to }) => to)),
  );
  return { out, in: into };
}

/** infer_out_channels_recursively: of an addition the last operand counts, of a concatenation all do. */
function outWidth(module: Module, out: (module: Module) => Width): Width {
  if (hasOut(module)) return module.outWidth;
  let width: Width = 0;
  for (const { from, tensor } of module.inputs) {
    if (module.type === 'Concat') {
      const part = out(from);
      if (part === null) return null;
      width = (width ?? 0) + part;
    } else if (from.type === 'Split') {
      const { channels } = tensor;
      width = channels !== null && 'ids' in channels ? channels.ids.length : null;
    } else width = out(from);
  }
  return width === 0 ? null : width;
}

/** A PReLU of one slope reads it through a view, and that view leads nowhere. */
function hasOut({ outWidth: own, type }: Module): boolean {
  return own !== null || type === 'PReLU';
}

/** infer_in_channels_recursively: the last reader counts. */
function inWidth(module: Module, into: (module: Module) => Width, out: (module: Module) => Width, parts: Parts): Width {
  if (module.inWidth !== null) return module.inWidth;
  let width: Width = 0;
  for (const { to } of module.outputs) {
    if (to.type !== 'Concat') {
      width = into(to);
      continue;
    }
    const whole = into(to);
    const { known, sum, timesRead } = parts(to);
    const own = out(module) ?? 0;
    const times = own > 0 ? timesRead.get(module)! : 0;
    return whole === null || known === times ? null : whole - (sum - own * times);
  }
  return width === 0 ? null : width;
}

/** What a concatenation joins. */
type Parts = (concat: Module) => {
  /** Operands whose channels are known, and how many channels they have. */
  readonly known: number;
  readonly sum: number;
  readonly timesRead: ReadonlyMap<Module, number>;
};

function partsOf(out: (module: Module) => Width): Parts {
  const found = new Map<Module, ReturnType<Parts>>();
  return (concat) => {
    const before = found.get(concat);
    if (before !== undefined) return before;
    const widths = concat.inputs.map(({ from }) => out(from) ?? 0).filter((width) => width > 0);
    const timesRead = new Map<Module, number>();
    for (const { from } of concat.inputs) timesRead.set(from, (timesRead.get(from) ?? 0) + 1);
    const parts = { known: widths.length, sum: widths.reduce((sum, n) => sum + n, 0), timesRead };
    found.set(concat, parts);
    return parts;
  };
}

/**
 * What is inferred of modules from their neighbours, theirs first. A module that is asked for while it is inferred itself, which no graph of
 * operations has, is not known.
 */
function inferred(
  infer: (module: Module, known: (module: Module) => Width) => Width,
  neighbours: (module: Module) => readonly Module[],
): (module: Module) => Width {
  const widths = new Map<Module, Width>();
  const entered = new Set<Module>();
  const known = (module: Module): Width => widths.get(module) ?? null;
  return (asked) => {
    const open = [asked];
    for (let module = open.at(-1); module !== undefined; module = open.at(-1)) {
      if (!widths.has(module) && !entered.has(module)) {
        entered.add(module);
        for (const next of neighbours(module)) if (!entered.has(next)) open.push(next);
        continue;
      }
      if (!widths.has(module)) widths.set(module, infer(module, known));
      open.pop();
    }
    return known(asked);
  };
}
