import { type Arena, createArena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import { sizeOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type FileTensor, fileTensor, floats } from "./file_tensor.ts";
import { permute } from "./permute.ts";
import { summary } from "./rename.ts";

/** A parameter or a running statistic of a network, as PyTorch would name and shape it. */
export interface ParameterSpec {
  /** PyTorch's name, such as `group0.block0.conv0`. */
  readonly name: string;
  /** PyTorch's shape: OIHW for a convolution, `[outputs, inputs]` for a linear layer. */
  readonly shape: readonly number[];
  /** Whether the optimiser changes it; running statistics are changed by the forward pass instead, if at all. */
  readonly trainable: boolean;
  /** Its first values, in PyTorch's order. */
  readonly initialise: () => Float32Array;
}

/** Which parameters of a network stay as they are. */
export interface Fixing {
  /** Tells by its name whether a parameter that could be trained is not. Default: none. */
  readonly fixed?: ((name: string) => boolean) | undefined;
}

function gpuShape(shape: readonly number[]): readonly number[] {
  const [o = 1, i = 1, h = 1, w = 1] = shape;
  return shape.length < 2 ? shape : [h, w, i, o];
}

function toGpu(values: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length < 2) return values;
  return shape.length === 2 ? permute(values, shape, [1, 0]) : permute(values, shape, [2, 3, 1, 0]);
}

function fromGpu(values: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  if (shape.length < 2) return values.slice();
  const [h = 1, w = 1, i = 1, o = 1] = gpuShape(shape);
  return permute(values, [h, w, i, o], [3, 2, 0, 1]);
}

/** Tensors as they go into a file. */
export type NamedTensors = ReadonlyMap<string, FileTensor>;

/**
 * The named parameters and running statistics of a network. On the GPU the weights lie as HWIO; whatever goes in or
 * out has PyTorch's names, shapes and order of numbers. All trainable tensors share one buffer, so that the optimiser
 * is one dispatch; those that are fixed share another, and so do the statistics, which the forward pass writes.
 */
export class ParameterSet implements Disposable {
  readonly #tensors: ReadonlyMap<string, Tensor>;
  /** What they are; one that is fixed is not trainable. */
  readonly specs: readonly ParameterSpec[];
  readonly #trainable: Arena;
  readonly #fixed: Arena;
  readonly #statistics: Arena;

  /**
   * Makes the tensors and fills in their first values.
   *
   * @param gpu The device that holds them.
   * @param specs What they are, in the order of files and of the optimiser.
   * @param options Which of them stay as they are.
   */
  constructor(
    /** The device that holds them. */
    readonly gpu: Gpu,
    specs: readonly ParameterSpec[],
    { fixed = () => false }: Fixing = {},
  ) {
    const isFixed = ({ name, trainable }: ParameterSpec) => trainable && fixed(name);
    const arena = (label: string, holds: (spec: ParameterSpec) => boolean): Arena =>
      createArena(gpu, {
        label,
        entries: specs.filter(holds).map(({ name, shape }) => ({
          label: name,
          shape: gpuShape(shape),
          layout: shape.length < 2 ? "channels" as const : "weights" as const,
        })),
      });
    this.specs = specs.map((spec) => isFixed(spec) ? { ...spec, trainable: false } : spec);
    this.#trainable = arena("parameters", (spec) => spec.trainable && !isFixed(spec));
    this.#fixed = arena("fixed parameters", isFixed);
    this.#statistics = arena("running statistics", ({ trainable }) => !trainable);
    const tensors = this.#arenas.flatMap(({ tensors }) => tensors);
    this.#tensors = new Map(tensors.map((tensor) => [tensor.label, tensor]));
    for (const tensor of this.#trainable.tensors) tensor.requiresGrad = true;
    for (const { name, shape, initialise } of specs) {
      this.get(name).write(toGpu(initialise(), shape));
    }
  }

  get #arenas(): readonly Arena[] {
    return [this.#trainable, this.#fixed, this.#statistics];
  }

  /**
   * A tensor by its name.
   *
   * @throws {RangeError} If there is none.
   */
  get(name: string): Tensor {
    const found = this.#tensors.get(name);
    if (found === undefined) {
      throw new RangeError(`Cannot find parameter ${name}: the network has no such tensor`);
    }
    return found;
  }

  /** Whether there is a tensor of this name. */
  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** The trainable tensors, in order. */
  get trainable(): readonly Tensor[] {
    return this.#trainable.tensors;
  }

  /** The trainable tensors as one flat buffer. */
  get flat(): Tensor {
    return this.#trainable.whole;
  }

  /** The running statistics, in order. */
  get statistics(): readonly Tensor[] {
    return this.#statistics.tensors;
  }

  /** The running statistics as one flat buffer. */
  get flatStatistics(): Tensor {
    return this.#statistics.whole;
  }

  /**
   * Counts the numbers.
   *
   * @param options.statistics Whether to count the running statistics and what is fixed too, as the original's
   * `n_parameters` does.
   */
  count({ statistics }: { statistics: boolean }): number {
    return this.specs.filter(({ trainable }) => trainable || statistics)
      .reduce((total, { shape }) => total + sizeOf(shape), 0);
  }

  /**
   * Overwrites every tensor with a file's.
   *
   * @param tensors The file's tensors, all of which the network must have: with fewer it would not compute what the
   * file's network does.
   * @param options.from The file's name, for errors.
   * @throws {TypeError} If one is missing, has another shape or is not the network's; nothing is overwritten then.
   */
  load(tensors: NamedTensors, { from }: { from: string }): void {
    const checked = this.specs.map(({ name, shape }) => {
      const found = tensors.get(name);
      if (found === undefined) {
        throw new TypeError(
          `Cannot load weights: ${name} must be [${
            shape.join(", ")
          }], found no such tensor in ${from}, which has ${summary([...tensors.keys()])}`,
        );
      }
      if (found.shape.join() !== shape.join()) {
        throw new TypeError(
          `Cannot load weights: ${name} must be [${shape.join(", ")}], found [${
            found.shape.join(", ")
          }] in ${from}, which has ${summary([...tensors.keys()])}`,
        );
      }
      return { name, shape, values: floats(found, `load ${name} from ${from}`) };
    });
    const left = [...tensors.keys()].filter((name) => !this.has(name));
    if (left.length > 0) {
      throw new TypeError(
        `Cannot load weights: wanted the network's tensors alone, found beside them ${
          summary(left)
        } in ${from}`,
      );
    }
    for (const { name, shape, values } of checked) this.get(name).write(toGpu(values, shape));
  }

  /**
   * Copies every tensor back.
   *
   * @returns The tensors by PyTorch's names, in the order of the specs.
   */
  async save(): Promise<Map<string, FileTensor>> {
    const values = await this.gpu.read(this.specs.map(({ name }) => this.get(name)));
    return new Map(this.specs.map(({ name, shape }, at) => [
      name,
      fileTensor(fromGpu(values[at] ?? new Float32Array(), shape), shape),
    ]));
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    for (const { whole } of this.#arenas) this.gpu.free(whole.storage);
  }
}
