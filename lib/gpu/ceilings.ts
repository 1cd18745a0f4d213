import source from "../../kernels/ceilings.wgsl" with { type: "text" };
import type { Gpu } from "./device.ts";
import { gridFor, Kernel } from "./kernel.ts";
import { Program } from "./program.ts";
import { summarise, type Summary } from "./summary.ts";
import type { Tensor } from "./tensor.ts";
import { timeOnGpu, type TimingOptions } from "./timer.ts";

const kernel = new Kernel("ceilings", source);
const ROUNDS = 256;
const FLOP_PER_ROUND = 512;

/** The most that an adapter reached: what other kernels are measured against. */
export interface Ceilings {
  /** Floating-point operations a second of multiply-adds in registers. */
  readonly flopPerSecond: number;
  /** Bytes a second, read and written, of a copy from one buffer to another. */
  readonly bytesPerSecond: number;
}

/** A kernel without any other purpose than to reach a ceiling. */
export interface CeilingKernel extends Disposable {
  /** The kernel, ready to be timed. */
  readonly program: Program<Tensor>;
  /** What one run does: floating-point operations, or bytes read and written. */
  readonly amount: number;
}

async function ceilingKernel(
  gpu: Gpu,
  { entry, x, quads, constants, amount, flop }: {
    entry: string;
    x: Tensor;
    quads: number;
    constants: Record<string, number>;
    amount: number;
    flop: number;
  },
): Promise<CeilingKernel> {
  const y = gpu.zeros([4 * quads], { label: `ceilings.${entry}.y` });
  const program = await Program.record(gpu, {
    label: `ceilings.${entry}`,
    build: () => {
      const grid = gridFor(quads, 64);
      kernel.dispatch(entry, {
        read: [x],
        write: [y],
        constants: { quads, ...constants },
        grid,
        flop,
      });
      return y;
    },
  });
  return {
    program,
    amount,
    [Symbol.dispose]() {
      for (const held of [program, x, y]) held[Symbol.dispose]();
    },
  };
}

/** Makes the kernel that does nothing but multiply and add, in as many invocations as fill the adapter. */
export function arithmeticCeiling(gpu: Gpu): Promise<CeilingKernel> {
  const quads = gpu.adapter.isSoftware ? 2 ** 13 : 2 ** 18;
  const amount = quads * ROUNDS * FLOP_PER_ROUND;
  return ceilingKernel(gpu, {
    entry: "multiply_add",
    x: gpu.tensor([0.999, 0.998, 0.997, 0.996, 1e-3, 1e-3, 1e-3, 1e-3], [8]),
    quads,
    constants: { rounds: ROUNDS },
    amount,
    flop: amount,
  });
}

/** Makes the kernel that does nothing but copy, between buffers larger than the caches. */
export function memoryCeiling(gpu: Gpu): Promise<CeilingKernel> {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const wanted = gpu.adapter.isSoftware ? 2 ** 25 : 2 ** 28;
  const bytes = Math.min(wanted, maxBufferSize, maxStorageBufferBindingSize);
  const quads = Math.floor(bytes / 16);
  return ceilingKernel(gpu, {
    entry: "copy",
    x: gpu.zeros([4 * quads], { label: "ceilings.copy.x" }),
    quads,
    constants: {},
    amount: 32 * quads,
    flop: 0,
  });
}

/**
 * Measures the most that an adapter does, for shares of it: about a third of a second on two CPU cores.
 *
 * @returns Medians, in operations and bytes a second.
 * @example
 * ```ts
 * import { Gpu, measureCeilings } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const { flopPerSecond, bytesPerSecond } = await measureCeilings(gpu, { samples: 1 });
 * assert.ok(flopPerSecond > 1e8 && bytesPerSecond > 1e8);
 * ```
 */
export async function measureCeilings(gpu: Gpu, options: TimingOptions = {}): Promise<Ceilings> {
  using arithmetic = await arithmeticCeiling(gpu);
  using memory = await memoryCeiling(gpu);
  const [compute, copy] = await timeOnGpu(gpu, [arithmetic.program, memory.program], options);
  const rate = (amount: number, seconds: readonly number[] = []): Summary =>
    summarise(seconds.map((took) => amount / took));
  return {
    flopPerSecond: rate(arithmetic.amount, compute).median,
    bytesPerSecond: rate(memory.amount, copy).median,
  };
}
