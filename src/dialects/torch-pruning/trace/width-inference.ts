import type { Module } from './module-graph.ts';

/** Channels of operations, which have none of their own, as Torch-Pruning infers them from the modules around (dependency/shape_infer.py). */
export interface WidthInference {
  /** From what a module makes: its own channels, else those of what it reads. */
  out(module: Module): number | null;
  /** From what reads it. */
  in(module: Module): number | null;
}

export function widthInference(): WidthInference {
  const outs = new Map<Module, number | null>();
  const ins = new Map<Module, number | null>();
  const memo =
    (known: Map<Module, number | null>, infer: (module: Module) => number | null) =>
    (module: Module): number | null => {
      const found = known.get(module);
      if (found !== undefined) return found;
      const width = infer(module);
      known.set(module, width);
      return width;
    };
  // infer_out_channels_recursively: of an addition the last operand counts, of a concatenation all do.
  const out = memo(outs, (module) => {
    // A PReLU of one slope reads it through a view, and that view leads nowhere.
    if (module.outWidth !== null || module.type === 'PReLU') return module.outWidth;
    let width: number | null = 0;
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
  });
  // infer_in_channels_recursively: the last reader counts.
  const into = memo(ins, (module) => {
    if (module.inWidth !== null) return module.inWidth;
    let width: number | null = 0;
    for (const { to } of module.outputs) {
      if (to.type !== 'Concat') {
        width = into(to);
        continue;
      }
      const whole = into(to);
      const siblings = to.inputs.flatMap(({ from }) => (from === module ? [] : [out(from) ?? 0])).filter((n) => n > 0);
      return whole === null || siblings.length === 0 ? null : whole - siblings.reduce((sum, n) => sum + n, 0);
    }
    return width === 0 ? null : width;
  });
  return { out, in: into };
}
