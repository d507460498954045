/** What the real pruner raises on this model: Python's exception type and text, and the layer at which it happens. */
export class TaoError extends Error {
  readonly layer: string;

  constructor(type: string, text: string, layer: string) {
    super(`${type}: ${text}`);
    this.layer = layer;
  }
}
