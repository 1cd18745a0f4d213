import type { Tensor } from "../gpu/tensor.ts";
import { ParameterSet } from "../weights/parameter_set.ts";

/** Parameters that are trained, with what that needs beside them. */
export class Learned implements Disposable {
  /** The momentum of each trainable parameter, zero at first. */
  readonly velocity: ParameterSet;
  /** Where the gradients of several batches add up, laid out as the parameters; `null` where each batch is a step. */
  readonly sum: Tensor | null;

  /**
   * Makes room for the momentum and the sum.
   *
   * @param parameters The parameters, which stay their owner's.
   * @param options.accumulates Whether the gradients of several batches add up.
   */
  constructor(
    /** The parameters. */
    readonly parameters: ParameterSet,
    { accumulates }: { accumulates: boolean },
  ) {
    const { gpu, specs, flat } = parameters;
    this.velocity = new ParameterSet(
      gpu,
      specs.filter(({ trainable }) => trainable).map((spec) => ({
        ...spec,
        initialise: () => new Float32Array(spec.shape.reduce((a, b) => a * b, 1)),
      })),
    );
    this.sum = accumulates ? gpu.zeros(flat.shape, { label: "sum of gradients" }) : null;
  }

  /** Frees the momentum and the sum. */
  [Symbol.dispose](): void {
    this.velocity[Symbol.dispose]();
    this.sum?.[Symbol.dispose]();
  }
}
