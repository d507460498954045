/** How names that somebody gave stand to a model's: a wrapper around the model gives all names one prefix more, or had it. */
export interface NameScheme {
  readonly prefix: string;
  /** Whether the model's names have the prefix, or the given ones. */
  readonly isOfModel: boolean;
  /** The model's name for a given one. */
  resolve(name: string): string;
}

/** Modules in modules that are looked at; what users write has a handful, and each more is a name more. */
const MAX_DEPTH = 24;

/** Layers' names, and those of the modules around them, to be asked for many names. */
export interface LayerNames {
  /** Whether a name is a layer's own, or that of a module around one. */
  has(name: string): boolean;
  /** Layers in which a name stands behind another, such as `model.fc` for `fc`: what it could mean. */
  meantBy(name: string): readonly string[];
}

export function layerNames(layers: readonly string[]): LayerNames {
  const around = modulesIn(layers);
  let inside: ReadonlyMap<string, readonly string[]> | null = null;
  return {
    has: (name) => around.has(name),
    meantBy(name) {
      inside ??= partsOf(layers);
      return inside.get(name) ?? [];
    },
  };
}

/** Names of layers and of modules around them, and how many layers are inside each. */
function modulesIn(layers: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const layer of layers)
    for (const end of ends(layer)) {
      const name = layer.slice(0, end);
      counts.set(name, (counts.get(name) ?? 0) + (end < layer.length ? 1 : 0));
    }
  return counts;
}

/** Layers by every part of their names that begins behind a dot and ends before one. */
function partsOf(layers: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const layer of layers) {
    const all = ends(layer);
    for (const [k, start] of all.slice(0, -1).entries())
      for (const end of all.slice(k + 1)) {
        const part = layer.slice(start + 1, end);
        const known = found.get(part);
        if (known === undefined) found.set(part, [layer]);
        else if (known.at(-1) !== layer) known.push(layer);
      }
  }
  return found;
}

/** Where the names end that a name is made of. */
function ends(name: string): readonly number[] {
  const found: number[] = [];
  for (let end = name.indexOf('.'); end >= 0 && found.length < MAX_DEPTH; end = name.indexOf('.', end + 1))
    found.push(end);
  return [...found, name.length];
}

/**
 * The one prefix under which names that mean nothing in a model all mean something: `fc` is `model.fc` where the model was
 * wrapped for its export, `module.fc` is `fc` where it was not. Null where there is none, more than one, or some names mean
 * something as they are.
 */
export function nameScheme(given: readonly string[], layers: readonly string[]): NameScheme | null {
  const [first] = given;
  const around = modulesIn(layers);
  if (first === undefined || given.some((name) => around.has(name))) return null;
  const added = [...around].flatMap(([prefix, count]) =>
    count * 2 > layers.length && given.every((name) => around.has(`${prefix}.${name}`)) ? [prefix] : [],
  );
  const [prefix] = added;
  if (prefix !== undefined)
    return added.length > 1 ? null : { prefix, isOfModel: true, resolve: (name) => `${prefix}.${name}` };
  for (const end of ends(first).slice(0, -1)) {
    const dropped = first.slice(0, end + 1);
    const isOfAll = given.every(
      (name) => name.startsWith(dropped) && name.length > dropped.length && around.has(name.slice(dropped.length)),
    );
    if (isOfAll)
      return { prefix: first.slice(0, end), isOfModel: false, resolve: (name) => name.slice(dropped.length) };
  }
  return null;
}
