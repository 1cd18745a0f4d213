import assert from "node:assert/strict";
import { readCheckpoint } from "../../lib/train/checkpoint.ts";
import { MINI } from "./mini.ts";

const RECORD = 3073;
const FOLDER = "cifar-10-batches-bin";
const FILES = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);

/** The flags of a run whose steps take a moment: a narrow network on the 20 images of {@link writeTinyCifar}. */
export const TINY_FLAGS = [
  "--dataroot=data",
  "--depth=10",
  "--width=0.25",
  "--batch_size=8",
  "--log_every=1",
];

/** The flags of such a run that would take hours. */
export const ENDLESS_FLAGS = [...TINY_FLAGS, "--epochs=10000", "--epoch_step=[2]"];

/** The flags of a run in two ranks, whatever this machine has. */
export const TWO_RANKS = ["--ngpu", "2", "--oversubscribe", "--share_gpu"];

/** The steps of an epoch of such a run. */
export const TINY_STEPS = 3;

/**
 * An environment in which llvmpipe has narrow vectors, and a run starts in a quarter of the time. Its shaders have a cache
 * of their own: Mesa does not tell them from those of wide vectors.
 */
export const TINY_ENV = {
  LP_NATIVE_VECTOR_WIDTH: "128",
  MESA_SHADER_CACHE_DIR: `${Deno.env.get("HOME") ?? "/tmp"}/.cache/pupil/narrow_shaders`,
};

/** The step that the checkpoint of a run goes on with. */
export async function savedStep(run: string): Promise<number> {
  return (await readCheckpoint(`${run}/checkpoint.safetensors`)).progress.position.step;
}

/** A bound of steps that ends a run after the first of its next epoch. */
export async function nextEnd(run: string): Promise<string> {
  return `--max_steps=${Math.ceil(await savedStep(run) / TINY_STEPS) * TINY_STEPS + 1}`;
}

const HINT = "Stopped and saved; go on with: deno task cifar ";

/** The arguments that go on with a run, as it says on standard error when it was stopped. */
export function adviceOf(stderr: string): string[] {
  const last = stderr.trimEnd().split("\n").at(-1) ?? "";
  assert.ok(last.startsWith(HINT), stderr);
  return last.slice(HINT.length).split(" ");
}

/** Writes the first images of `cifar10-mini` as a set of its own under `data`: 20 to train on, 8 to test on. */
export async function writeTinyCifar(root: string): Promise<void> {
  await Deno.mkdir(`${root}/data/${FOLDER}`, { recursive: true });
  const records = { ...Object.fromEntries(FILES.map((file) => [file, 4])), "test_batch.bin": 8 };
  for (const [file, count] of Object.entries(records)) {
    const bytes = await Deno.readFile(`${MINI}/${FOLDER}/${file}`);
    await Deno.writeFile(`${root}/data/${FOLDER}/${file}`, bytes.subarray(0, count * RECORD));
  }
}

/** The path of one of its files. */
export function tinyCifarFile(root: string, file: string): string {
  return `${root}/data/${FOLDER}/${file}`;
}
