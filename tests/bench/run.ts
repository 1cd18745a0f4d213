import { dirname } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { openGpu } from "../../tasks/launch/open_gpu.ts";
import { arithmeticCeiling, type Gpu, memoryCeiling, summarise, timeOnGpu } from "../../mod.ts";
import { boundRows } from "./bounds.ts";
import {
  differentConvolutions,
  imageNetwork,
  nameOf,
  type UsedConvolution,
  wideNetwork,
} from "./convolutions.ts";
import { kernelRows } from "./kernels.ts";
import type { BenchOptions } from "./options.ts";
import { peerRows, torchRows } from "./peers.ts";
import type { MachineRow, Row } from "./rows.ts";
import { sizeRows } from "./sizes.ts";
import { imageNetStep, type Step, stepName, stepRow, tableOneSteps, wideStep } from "./steps.ts";
import { tableOf } from "./table.ts";

/** The batch sizes that a step is timed at in turns. */
const SIZES = [64, 128, 256, 512];
/** Images a batch where none is asked for. */
const STEP_BATCH = 128;
const SOFTWARE_KERNEL_BATCH = 32;
const SOFTWARE_IMAGE_BATCH = 2;
const QUICK_BATCH = 8;
const PEER_STEP_BATCH = 32;

function machineRow(gpu: Gpu): MachineRow {
  return {
    kind: "machine",
    adapter: gpu.adapter.name,
    vendor: gpu.adapter.vendor,
    is_software: gpu.adapter.isSoftware,
    deno: Deno.version.deno,
    target: Deno.build.target,
    cores: navigator.hardwareConcurrency,
    version: config.version,
    date: new Date().toISOString(),
    command: ["deno task bench", ...Deno.args].join(" "),
  };
}

/** One run of the benchmark: it yields its rows as they come. */
class Bench {
  constructor(readonly gpu: Gpu, readonly options: BenchOptions) {}

  get #withImageNet(): boolean {
    return this.options.imagenet || !(this.gpu.adapter.isSoftware || this.options.quick);
  }

  get #timing() {
    const { samples, quick } = this.options;
    return { samples, seconds: quick ? 0.005 : 0.05 };
  }

  #batch({ usual, isImage = false }: { usual: number; isImage?: boolean }): number {
    const { batch, quick } = this.options;
    if (batch !== null) return batch;
    if (quick) return QUICK_BATCH;
    return isImage && this.gpu.adapter.isSoftware ? SOFTWARE_IMAGE_BATCH : usual;
  }

  get #kernelBatch(): number {
    return this.#batch({ usual: this.gpu.adapter.isSoftware ? SOFTWARE_KERNEL_BATCH : STEP_BATCH });
  }

  #wideConvolutions(): UsedConvolution[] {
    const { quick, isWanted } = this.options;
    const networks = quick
      ? [wideNetwork(16, 1)]
      : [wideNetwork(16, 1), wideNetwork(16, 2), wideNetwork(40, 2)];
    return differentConvolutions(networks).filter((layer) => isWanted(nameOf(layer)));
  }

  #imageConvolutions(): UsedConvolution[] {
    const { size, isWanted } = this.options;
    if (!this.#withImageNet) return [];
    return differentConvolutions([imageNetwork(18, size), imageNetwork(34, size)])
      .filter((layer) => isWanted(nameOf(layer)));
  }

  #steps(): { step: Step; batch: number }[] {
    const { quick, isWanted, size } = this.options;
    const wide = quick ? [wideStep("AT", [16, 1], [16, 2])] : tableOneSteps();
    return [
      ...wide.map((step) => ({ step, batch: this.#batch({ usual: STEP_BATCH }) })),
      ...(this.#withImageNet ? [imageNetStep(size)] : []).map((step) => ({
        step,
        batch: this.#batch({ usual: STEP_BATCH, isImage: true }),
      })),
    ].filter(({ step }) => isWanted(stepName(step)));
  }

  async *rows(): AsyncGenerator<Row> {
    const { kernels, steps, peers, dtype, autotune } = this.options;
    yield machineRow(this.gpu);
    using ceiling = await arithmeticCeiling(this.gpu);
    yield* this.#ceilings();
    if (kernels) {
      const image = this.#batch({ usual: STEP_BATCH, isImage: true });
      for (
        const [layers, batch] of [
          [this.#wideConvolutions(), this.#kernelBatch],
          [this.#imageConvolutions(), image],
        ] as const
      ) {
        for (const layer of layers) {
          yield* this.#guarded(
            nameOf(layer),
            () =>
              kernelRows(this.gpu, layer, {
                batch,
                dtype,
                autotune,
                ceiling,
                timing: this.#timing,
              }),
          );
        }
      }
    }
    if (steps) {
      for (const { step, batch } of this.#steps()) {
        yield* this.#guarded(stepName(step), () => this.#step(step, { batch, ceiling }));
      }
      yield* this.#sizes();
    }
    if (peers && dtype === "f32") yield* this.#peers();
  }

  async *#ceilings(): AsyncGenerator<Row> {
    using arithmetic = await arithmeticCeiling(this.gpu);
    using memory = await memoryCeiling(this.gpu);
    const works = [arithmetic.program, memory.program];
    const [multiply = [], copy = []] = await timeOnGpu(this.gpu, works, this.#timing);
    const rate = (amount: number, seconds: readonly number[]) =>
      summarise(seconds.map((took) => amount / took));
    const [flop, bytes] = [rate(arithmetic.amount, multiply), rate(memory.amount, copy)];
    yield { kind: "ceiling", name: "multiply-add", unit: "GFLOP/s", per_second: flop };
    yield { kind: "ceiling", name: "copy", unit: "GB/s", per_second: bytes };
  }

  async *#step(
    step: Step,
    { batch, ceiling }: { batch: number; ceiling: Parameters<typeof stepRow>[2]["ceiling"] },
  ): AsyncGenerator<Row> {
    const { quick, samples, peerTorch, dtype, autotune } = this.options;
    const { isSoftware } = this.gpu.adapter;
    const seconds = quick ? 0.1 : 1;
    const ours = await stepRow(this.gpu, step, {
      batch,
      dtype,
      autotune,
      ceiling,
      samples,
      seconds,
    });
    yield ours;
    if (peerTorch !== null) yield* torchRows(peerTorch, { step, ours, samples, isSoftware });
  }

  /** The step of attention transfer at several sizes; not where all shall be quick, or the size is given. */
  async *#sizes(): AsyncGenerator<Row> {
    const { quick, samples, dtype, isWanted } = this.options;
    const step = wideStep("AT", [16, 1], [16, 2]);
    const isSized = this.#batch({ usual: STEP_BATCH }) !== STEP_BATCH;
    if (quick || isSized || dtype !== "f32" || !isWanted(stepName(step))) return;
    yield* this.#guarded(
      `${stepName(step)}, sizes`,
      () => sizeRows(this.gpu, step, { batches: SIZES, samples }),
    );
  }

  async *#peers(): AsyncGenerator<Row> {
    const { quick, samples, isWanted, autotune } = this.options;
    const task = {
      convolutions: this.#wideConvolutions().filter(({ kernel }) => kernel === 3).map(nameOf),
      batch: this.#kernelBatch,
      steps: isWanted(stepName(wideStep("AT", [16, 1], [16, 2]))),
      stepBatch: this.#batch({ usual: PEER_STEP_BATCH }),
      samples,
      autotune,
      seconds: quick ? 0.02 : 0.2,
    };
    yield* peerRows("peer_tfjs.ts", task);
    yield* peerRows("peer_jax.ts", task);
  }

  /** Rows of one part; where it fails, a row that says so, and the rest goes on. */
  async *#guarded(what: string, run: () => AsyncGenerator<Row>): AsyncGenerator<Row> {
    try {
      yield* run();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      yield { kind: "failure", what, message };
    }
  }
}

/** Prints each row as it comes, or its line as soon as one of another kind follows. */
class Printer {
  readonly rows: Row[] = [];
  #shown = 0;

  constructor(readonly file: Deno.FsFile, readonly json: boolean) {}

  async add(row: Row): Promise<void> {
    const line = JSON.stringify(row);
    await this.file.write(new TextEncoder().encode(`${line}\n`));
    if (this.json) console.log(line);
    const before = this.rows.at(-1);
    if (before !== undefined && before.kind !== row.kind) this.show();
    this.rows.push(row);
  }

  /** Prints the tables of what has not been shown. */
  show(): void {
    const fresh = this.rows.slice(this.#shown);
    this.#shown = this.rows.length;
    const [first] = fresh;
    if (first === undefined || this.json) return;
    console.log(tableOf(fresh, first.kind).join("\n"));
  }
}

/**
 * Runs the benchmark: JSON lines into a file, and tables or the same lines to standard output.
 *
 * @returns The exit code: 1 where a part of it failed.
 */
export async function runBench(options: BenchOptions): Promise<number> {
  using gpu = await openGpu(options.autotune);
  if (options.dtype === "f16") gpu.wantHalf("time half precision");
  await Deno.mkdir(dirname(options.out), { recursive: true });
  using file = await Deno.open(options.out, { create: true, write: true, truncate: true });
  const printer = new Printer(file, options.json);
  for await (const row of new Bench(gpu, options).rows()) await printer.add(row);
  for (const row of boundRows(printer.rows, { isSoftware: gpu.adapter.isSoftware })) {
    await printer.add(row);
  }
  printer.show();
  return printer.rows.some(({ kind }) => kind === "failure") ? 1 : 0;
}
