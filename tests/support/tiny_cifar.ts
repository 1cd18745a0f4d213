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

/** The steps of an epoch of such a run. */
export const TINY_STEPS = 3;

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
