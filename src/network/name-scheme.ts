/** How names that somebody gave stand to a model's: a wrapper around the model gives all names one prefix more, or had it. */
export interface NameScheme {
  readonly prefix: string;
  /** Whether the model's names have the prefix, or the given ones. */
  readonly isOfModel: boolean;
  /** The model's name for a given one. */
  resolve(name: string): string;
}

/** Whether a name is a layer's own, or that of a module around one. */
export function isLayerName(name: string, layers: readonly string[]): boolean {
  return layers.some((layer) => layer === name || layer.startsWith(`${name}.`));
}

/**
 * The one prefix under which names that mean nothing in a model all mean something: `fc` is `model.fc` where the model was
 * wrapped for its export, `module.fc` is `fc` where it was not. Null where there is none, more than one, or some names mean
 * something as they are.
 */
export function nameScheme(given: readonly string[], layers: readonly string[]): NameScheme | null {
  const [first] = given;
  if (first === undefined || given.some((name) => isLayerName(name, layers))) return null;
  const added = [...prefixesOf(first, layers)].filter((prefix) => {
    const under = layers.filter((layer) => layer.startsWith(`${prefix}.`));
    return under.length * 2 > layers.length && given.every((name) => isLayerName(`${prefix}.${name}`, layers));
  });
  const [prefix] = added;
  if (prefix !== undefined)
    return added.length > 1 ? null : { prefix, isOfModel: true, resolve: (name) => `${prefix}.${name}` };
  for (let end = first.indexOf('.'); end >= 0; end = first.indexOf('.', end + 1)) {
    const dropped = first.slice(0, end + 1);
    const rest = given.map((name) => (name.startsWith(dropped) ? name.slice(dropped.length) : ''));
    if (rest.every((name) => name !== '' && isLayerName(name, layers)))
      return { prefix: first.slice(0, end), isOfModel: false, resolve: (name) => name.slice(dropped.length) };
  }
  return null;
}

/** What stands before a name in layers' names. */
function prefixesOf(name: string, layers: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const layer of layers) {
    const whole = `${layer}.`;
    for (let at = whole.indexOf(`.${name}.`); at >= 0; at = whole.indexOf(`.${name}.`, at + 1))
      found.add(layer.slice(0, at));
  }
  return found;
}

/** Layers whose names end as one does, such as `model.fc` for `fc`: what it could mean. */
export function meantBy(name: string, layers: readonly string[]): readonly string[] {
  return layers.filter((layer) => `${layer}.`.includes(`.${name}.`));
}
