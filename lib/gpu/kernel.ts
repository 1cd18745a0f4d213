import { GpuError } from "./errors.ts";
import type { Meeting } from "./meeting.ts";
import type { Tensor } from "./tensor.ts";

/** Values of a kernel's `override` constants, by name. */
export type Constants = Readonly<Record<string, number>>;

/** The number of workgroups along x, y and z; what is left out is 1. */
export type Grid = readonly [x: number, y?: number, z?: number];

/** What one dispatch binds and how large it is. */
export interface DispatchOptions {
  /** Tensors that the entry point reads, from binding 0 on. */
  readonly read: readonly Tensor[];
  /** Tensors that it writes, in the bindings after those. */
  readonly write: readonly Tensor[];
  /** Values of the `override` constants. */
  readonly constants?: Constants;
  /** The number of workgroups. */
  readonly grid: Grid;
  /** Floating-point operations that the formula asks for, a multiplication and an addition two. Default: 0. */
  readonly flop?: number;
  /** Bytes that it moves; `null` if that is every tensor once. Default: `null`. */
  readonly bytes?: number | null;
  /** What is exchanged with other processes before it. Default: nothing. */
  readonly meeting?: Meeting | null;
  /** How a program's plan may merge it with its neighbours. Default: not at all. */
  readonly fusion?: Fusion;
  /** The names of the dispatches that were merged into it. Default: none. */
  readonly absorbed?: readonly string[];
}

/** What becomes of a dispatch that takes over another's work; what is left out stays. */
export interface Merged extends Partial<DispatchOptions> {
  /** The entry point. */
  readonly entry?: string;
}

/** What becomes of two dispatches of which the earlier one makes the later one's result, or a part of the way to it. */
export interface Extended {
  /** The earlier one. */
  readonly producer: Merged;
  /** What is left of the later one, which then no longer reads `through`; `null` where that is nothing. */
  readonly rest: Merged | null;
}

/** Two dispatches that a plan would like to merge. */
export interface Pair {
  /** The earlier one. */
  readonly producer: Dispatch;
  /** The later one. */
  readonly consumer: Dispatch;
  /** What the earlier one writes and the later one reads. */
  readonly through: Tensor;
  /** The dispatch that made a tensor, where it could be made again from what that dispatch read. */
  readonly writerOf: (tensor: Tensor) => Dispatch | null;
}

/** What an op knows of merging its dispatches with others: rules that answer `null` where it cannot be done. */
export interface Fusion {
  /** The dispatch as the producer that does the consumer's work in its store, and writes the consumer's result. */
  readonly absorb?: (pair: Pair) => Merged | null;
  /** The dispatch as the producer that stores `through` as ever, and makes beside it what the consumer makes of it. */
  readonly extend?: (pair: Pair) => Extended | null;
  /** The dispatch as a consumer that computes `through` itself from what the producer reads. */
  readonly inline?: (pair: Pair) => Merged | null;
  /** The dispatch, the later of two of which neither needs the other, as one that does both's work. */
  readonly beside?: (earlier: Dispatch, later: Dispatch) => Merged | null;
  /**
   * Which of the tensors that it reads, counted from 0, may lie where it writes its first result: an invocation reads of
   * the one only the numbers that it then writes of the other. The kernel's override `in_place` says that it does.
   */
  readonly inPlace?: number;
}

/** One entry point of a kernel, ready to run on given tensors. */
export interface Dispatch extends Required<DispatchOptions> {
  /** The kernel. */
  readonly kernel: Kernel;
  /** The entry point. */
  readonly entry: string;
  /** `kernel.entry + absorbed {constants}`, with `f16` before the constants where the kernel's `real` is f16. */
  readonly label: string;
}

const SINGLE = "alias real = f32;";
const HALF = "enable f16; alias real = f16;";

/** A WGSL file and its entry points. */
export class Kernel {
  #half: Kernel | null = null;

  /**
   * Describes a kernel; it is compiled when it first runs on a device.
   *
   * @param name The file's path under `kernels/`, without its extension.
   * @param source The WGSL as it stands in the file.
   * @param sizes The overrides that a pipeline may take from a buffer, as {@link withTexels} lets it, to serve every
   * shape: no branch that the compiler should settle depends on them. Default: none.
   */
  constructor(
    /** The file's path under `kernels/`, without its extension. */
    readonly name: string,
    /** The WGSL as it stands in the file. */
    readonly source: string,
    /** The overrides that a pipeline may take from a buffer. */
    readonly sizes: readonly string[] = [],
  ) {}

  /** The file, as errors name it. */
  get file(): string {
    return `kernels/${this.name}.wgsl`;
  }

  /** Whether its `real` is f16. */
  get isHalf(): boolean {
    return this.source.startsWith(HALF);
  }

  /**
   * The same kernel with `real` as f16: only its first line differs.
   *
   * @throws {GpuError} If the first line does not say what `real` is.
   */
  get half(): Kernel {
    if (this.isHalf) return this;
    if (!this.source.startsWith(SINGLE)) {
      throw new GpuError(
        `Cannot run ${this.name} in half precision: ${this.file} must begin with "${SINGLE}"`,
      );
    }
    this.#half ??= new Kernel(this.name, HALF + this.source.slice(SINGLE.length), this.sizes);
    return this.#half;
  }

  /**
   * Runs an entry point, or appends it to the program that is being recorded. Where one of the tensors is of f16
   * numbers, the kernel's `real` is f16.
   *
   * @param entry The entry point's name.
   * @throws {GpuError} If the bindings or the grid do not fit the device.
   */
  dispatch(entry: string, options: DispatchOptions): void {
    const gpu = options.write[0]?.gpu;
    if (gpu === undefined) {
      throw new GpuError(
        `Cannot dispatch ${this.name}.${entry}: it must write a tensor, found none`,
      );
    }
    gpu.dispatch(this.prepare(entry, options));
  }

  /** Whether a dispatch runs an entry point of this kernel, in whatever precision. */
  runs({ kernel, entry }: Dispatch, wanted: string): boolean {
    return (kernel === this || kernel === this.#half) && entry === wanted;
  }

  /** Describes a dispatch without running it. */
  prepare(
    entry: string,
    {
      read,
      write,
      constants = {},
      grid,
      flop = 0,
      bytes = null,
      meeting = null,
      fusion = {},
      absorbed = [],
    }: DispatchOptions,
  ): Dispatch {
    const values = Object.entries(constants).map(([name, value]) => `${name}:${value}`).join(",");
    const isHalf = [...read, ...write].some(({ dtype }) => dtype === "f16");
    const name = nameOf({ kernel: this, entry, absorbed });
    return {
      kernel: isHalf ? this.half : this,
      entry,
      read,
      write,
      constants,
      grid,
      flop,
      bytes,
      meeting,
      fusion,
      absorbed,
      label: `${name}${isHalf ? " f16" : ""} {${values}}`,
    };
  }
}

/** What a dispatch is called without its constants, the names of what was merged into it included. */
export function nameOf(
  { kernel, entry, absorbed }: Pick<Dispatch, "kernel" | "entry" | "absorbed">,
): string {
  return [`${kernel.name}.${entry}`, ...absorbed].join(" + ");
}

/** Every tensor that a dispatch names, in the order of its bindings. */
export function boundTensors({ read, write }: Dispatch): Tensor[] {
  return [...read, ...write];
}

/** Whether a dispatch writes its first result where a tensor lies that it reads. */
export function isInPlace({ constants }: Dispatch): boolean {
  return constants["in_place"] === 1;
}

/** The bytes that a dispatch moves at least: what it says, or each tensor once. */
export function bytesMoved(dispatch: Dispatch): number {
  if (dispatch.bytes !== null) return dispatch.bytes;
  const storages = new Set(boundTensors(dispatch).map(({ storage }) => storage));
  return [...storages].reduce((sum, { bytes }) => sum + bytes, 0);
}

const MAX_GRID = 65535;

/**
 * Spreads workgroups over x and y, since one dimension holds at most 65,535. A kernel finds its place with
 * `workgroup_id.y * num_workgroups.x + workgroup_id.x` and must leave where that is past the end.
 *
 * @param items The number of invocations needed.
 * @param lanes The invocations of a workgroup.
 */
export function gridFor(items: number, lanes: number): Grid {
  const groups = Math.max(1, Math.ceil(items / lanes));
  const y = Math.ceil(groups / MAX_GRID);
  return [Math.ceil(groups / y), y];
}

/** How many partial sums a long sum is split into, and how many items each adds. */
export interface Split {
  /** Items of each part; the last may have fewer. */
  readonly chunk: number;
  /** The number of parts, none empty. */
  readonly chunks: number;
}

/** Splits a sum into parts of at least `least` items, at most `most` of them, by the sizes alone. */
export function split(items: number, { least, most }: { least: number; most: number }): Split {
  const chunk = Math.ceil(items / Math.min(most, Math.ceil(items / least)));
  return { chunk, chunks: Math.ceil(items / chunk) };
}
