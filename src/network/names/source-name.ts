import type { OnnxNode } from '../../onnx/index.ts';

/** What the names that an exporter gave tell of the source framework's layers. */
export interface SourceNames {
  /** The layer and operator segments of a node; null where its name says nothing. */
  of(node: OnnxNode): SourceName | null;
  /** Those of a name that was made of a node's, such as an initializer's. */
  parse(name: string): SourceName | null;
  /** What the source's own layer is that a node lays out anew, where its name or the exporter tells. */
  layoutOf(node: OnnxNode): 'flatten' | 'reshape' | 'permute' | null;
  /** Whether the exporter writes sizes in the place of what a Reshape leaves to be inferred. */
  readonly resolvesTargets: boolean;
  /** The layer that a graph's output is named after; null where its name says nothing. */
  output(tensor: string): string | null;
}

export interface SourceName {
  readonly layer: string;
  /** The operator segment, such as `Conv2D` or `BiasAdd_1`. */
  readonly op: string;
}
