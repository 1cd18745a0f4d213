import { type BoundDispatch, encode } from "./compiler.ts";
import type { Gpu } from "./device.ts";
import { OutOfMemoryError } from "./errors.ts";
import { fuse } from "./fuse.ts";
import { writeInPlace } from "./in_place.ts";
import { Passes } from "./passes.ts";
import { type Plan, planMemory } from "./plan.ts";
import { readsTexels } from "./reads_texels.ts";
import { Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";
import { bindTexels } from "./texel_binding.ts";
import type { Timed } from "./timer.ts";

/** What a program may return: tensors, alone or in arrays and objects. */
export type Outputs = Tensor | null | readonly Outputs[] | { readonly [name: string]: Outputs };

function* tensorsIn(outputs: Outputs): Generator<Tensor> {
  if (outputs === null) return;
  if (outputs instanceof Tensor) yield outputs;
  else for (const part of Object.values(outputs)) yield* tensorsIn(part);
}

/** A piece of a program's run, which is submitted by itself, so that something of it can be had while the rest runs. */
export interface Piece {
  /** The number of dispatches before its end. */
  readonly end: number;
  /** Encodes what comes after them in the same submit. */
  readonly after: (encoder: GPUCommandEncoder) => void;
  /** Is called once it is submitted; the next piece waits for what it returns. */
  readonly submitted: () => void | Promise<void>;
}

/** A step as a program runs it, before anything of it is compiled. */
export interface PlannedProgram<T extends Outputs> {
  /** What the recorded function returned. */
  readonly result: T;
  /** The storages of the tensors in it. */
  readonly outputs: ReadonlySet<Storage>;
  /** Its dispatches, and where its intermediate tensors live. */
  readonly plan: Plan;
}

/**
 * Records what `build` computes, merges the dispatches that can be, lets them write in place, and plans their memory.
 * Nothing is compiled and nothing runs.
 *
 * @param options.build The step.
 * @param options.fusion Whether dispatches are merged and write in place. Default: true.
 * @param options.texels Whether tensors are read through textures, and no dispatch writes in place. Default: false.
 */
export function planProgram<T extends Outputs>(
  gpu: Gpu,
  { build, fusion = true, texels = false }: {
    build: () => T;
    fusion?: boolean;
    texels?: boolean;
  },
): PlannedProgram<T> {
  const { result, dispatches: recorded } = gpu.record(build, { texels });
  const outputs = new Set([...tensorsIn(result)].map(({ storage }) => storage.root));
  const { maxStorageBuffersPerShaderStage: slots, maxTextureDimension2D } = gpu.device.limits;
  const { dispatches, fused } = fusion
    ? fuse(recorded, { outputs, slots })
    : { dispatches: recorded, fused: [] };
  const placed = fusion && !texels ? writeInPlace(dispatches, outputs) : dispatches;
  const texelRows = texels ? maxTextureDimension2D - 1 : undefined;
  return { result, outputs, plan: { ...planMemory(placed, outputs, { texelRows }), fused } };
}

/**
 * A step that is recorded once, planned, and replayed: one encoder, one submit and, where nothing is read through
 * textures, one compute pass a run.
 *
 * @example
 * ```ts
 * import { add, Gpu, Program } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 2], [2]);
 * using twice = await Program.record(gpu, { label: "twice", build: () => add(x, x) });
 * twice.run();
 * assert.deepEqual([...await twice.outputs.read()], [2, 4]);
 * x.write(new Float32Array([5, 6]));
 * twice.run();
 * assert.deepEqual([...await twice.outputs.read()], [10, 12]);
 * ```
 */
export class Program<T extends Outputs> implements Disposable {
  private constructor(
    /** The device that it runs on. */
    readonly gpu: Gpu,
    /** The name in captures. */
    readonly label: string,
    /** The tensors that the recorded function returned; they hold the last run's values. */
    readonly outputs: T,
    /** Where its intermediate tensors live. */
    readonly plan: Plan,
    private readonly bound: readonly BoundDispatch[],
    private readonly held: Disposable,
  ) {}

  /**
   * Records what `build` computes, without running it, merges the dispatches that can be, lets them write in place, and
   * plans its memory.
   *
   * @param options.label The name in captures.
   * @param options.build The step.
   * @param options.fusion Whether dispatches are merged and write in place. Default: true.
   * @param options.texels Whether tensors are read through textures. Default: as is faster on the adapter.
   * @throws {GpuError} If a kernel does not compile or bind.
   * @throws {OutOfMemoryError} If the GPU has no memory for its tensors.
   * @throws {OutOfRoomError} If a tensor is larger than the adapter's buffers.
   */
  static async record<T extends Outputs>(
    gpu: Gpu,
    { label, build, fusion = true, texels }: {
      label: string;
      build: () => T;
      fusion?: boolean;
      texels?: boolean;
    },
  ): Promise<Program<T>> {
    const options = { build, fusion, texels: texels ?? await readsTexels(gpu) };
    const { result, outputs, plan } = planProgram(gpu, options);
    using made = new DisposableStack();
    plan.buffers.forEach(({ bytes, tenants }, at) => {
      const storage = new Storage(
        tenants.length === 1 ? tenants[0]?.storage.label ?? label : `${label} pool ${at}`,
        bytes,
      );
      gpu.createBuffer(storage);
      made.defer(() => gpu.free(storage));
      for (const tenant of tenants) tenant.storage.place(storage.range.buffer, tenant.offset);
    });
    const texelsOf = bindTexels(gpu, { label, plan, made });
    const bound = plan.dispatches.map((dispatch, at) => gpu.bind(dispatch, texelsOf[at]));
    for (const { tenants } of plan.buffers) {
      for (const { storage } of tenants) if (!outputs.has(storage)) storage.displace();
    }
    try {
      await gpu.settled();
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      made.dispose();
      const bytes = plan.buffers.reduce((sum, { bytes }) => sum + bytes, 0);
      const found = { taken: gpu.bufferBytes, limit: await gpu.roomFor(bytes) };
      // Where the lack of memory has cost the device, what is left cannot be known.
      if (gpu.isLost) throw error;
      throw new OutOfMemoryError(`make ${label}`, bytes, found);
    }
    return new Program(gpu, label, result, plan, bound, made.move());
  }

  /**
   * Runs the recorded step once more. Nothing is read back.
   *
   * @param options.before Encodes what comes before it in the same submit, such as a copy. Default: nothing.
   */
  run({ before }: { before?: (encoder: GPUCommandEncoder) => void } = {}): void {
    this.gpu.throwFailure();
    this.#submit(this.bound, { before });
  }

  /**
   * Runs the recorded step in pieces.
   *
   * @param pieces The pieces in order, the last of which ends the step.
   * @param options.before Encodes what comes before the first. Default: nothing.
   */
  async runInPieces(
    pieces: readonly Piece[],
    { before }: { before?: ((encoder: GPUCommandEncoder) => void) | undefined } = {},
  ): Promise<void> {
    this.gpu.throwFailure();
    let begin = 0;
    for (const [at, { end, after, submitted }] of pieces.entries()) {
      this.#submit(this.bound.slice(begin, end), { before: at === 0 ? before : undefined, after });
      begin = end;
      const waits = submitted();
      if (waits !== undefined) await waits;
    }
  }

  #submit(
    dispatches: readonly BoundDispatch[],
    { before, after }: {
      before?: ((encoder: GPUCommandEncoder) => void) | undefined;
      after?: (encoder: GPUCommandEncoder) => void;
    },
  ): void {
    const encoder = this.gpu.device.createCommandEncoder({ label: this.label });
    before?.(encoder);
    const passes = new Passes(encoder, { label: this.label });
    encode(passes, dispatches);
    passes.end();
    after?.(encoder);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Appends the step to compute passes of the caller's, who submits them. */
  encode(passes: Passes): void {
    encode(passes, this.bound);
  }

  /** The number of dispatches after which a tensor is not written any more: 0 where none writes it. */
  lastWriteOf({ storage }: Tensor): number {
    return 1 +
      this.plan.dispatches.findLastIndex(({ write }) =>
        write.some((written) => written.storage.overlaps(storage))
      );
  }

  /** The dispatches of the plan, in order, each to be timed by itself. */
  get parts(): readonly Timed[] {
    return this.bound.map((dispatch) => ({ encode: (passes) => encode(passes, [dispatch]) }));
  }

  /** Frees the program's buffers, its outputs' among them. */
  [Symbol.dispose](): void {
    this.held[Symbol.dispose]();
    for (const { tenants } of this.plan.buffers) {
      for (const { storage } of tenants) storage.markFreed();
    }
  }
}
