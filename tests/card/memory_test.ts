import assert from "node:assert/strict";
import { type CardPlace, runAsCard, testAsCard } from "../support/as_card.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { filesIn } from "../support/tiny_run.ts";

/** A wide ResNet, and how many images a step of it takes. */
interface Training {
  readonly width: number;
  readonly batch: number;
}

/**
 * Trains an epoch whose last batch is almost as large as the first, on a card that computes nothing: what a training
 * allocates does not depend on it.
 */
async function train({ width, batch }: Training, place: CardPlace) {
  const count = Math.max(2, 2 * batch - 1);
  const sizes = [`--train_images=${count}`, `--batch_size=${batch}`, `--width=${width}`];
  const args = ["--dataset=shapes", "--depth=10", "--epochs=1", "--save=run"];
  return await runAsCard("cifar", [...args, ...sizes], { ...place, idle: true });
}

/** The last line of what a training says that must fail, and leaves nothing behind. */
async function refusal(training: Training, place: CardPlace): Promise<string> {
  const { code, stderr } = await train(training, place);
  assert.equal(code, 1, stderr);
  assert.deepEqual(await filesIn(`${place.cwd}/logs`), []);
  return stderr.trimEnd().split("\n").at(-1) ?? "";
}

const NUMBER = "(\\d+\\.\\d)";
/** What a program's tensors take, those of others, and what is left. */
const LACK = `wanted ${NUMBER} MB of GPU memory beside the ${NUMBER} MB that other tensors take, ` +
  `found ${NUMBER} MB left`;

for (
  const { memory, width, batch, at, least, why } of [
    {
      memory: 220e6,
      width: 4,
      batch: 300,
      at: 300,
      least: 5,
      why: "that is too large, with its weights,",
    },
    {
      memory: 250e6,
      width: 0.25,
      batch: 600,
      at: 599,
      least: 150,
      why: "beside which the last batch does not fit",
    },
  ]
) {
  testAsCard(`out of memory: a step ${why} is refused with a batch that trains`, async () => {
    await using root = await tempFolder();
    const place = { cwd: root.path, memory };
    const said = await refusal({ width, batch }, place);
    const wanted = `^error: Cannot train WRN-10-${width} with batches of ${at}: wanted fewer, ` +
      `such as (\\d+), for this GPU's memory \\(Cannot make train WRN-10-${width}: ${LACK}\\)$`;
    const [fits = 0, bytes = 0, taken = 0, left = 0] =
      new RegExp(wanted).exec(said)?.slice(1).map(Number) ?? [];
    assert.match(said, new RegExp(wanted));
    assert.ok(bytes > left && taken + left < memory / 1e6 && fits >= least, said);
    const { code, stderr } = await train({ width, batch: fits }, place);
    assert.equal(code, 0, `batches of ${fits}: ${stderr}`);
  });
}

testAsCard("out of memory: a network of which not even one image fits says so", async () => {
  await using root = await tempFolder();
  const said = await refusal({ width: 12, batch: 2 }, { cwd: root.path, memory: 250e6 });
  const wanted =
    "^error: Cannot train WRN-10-12 with batches of 2: wanted a GPU with more memory, " +
    `since not even one image fits \\(Cannot make train WRN-10-12: ${LACK}\\)$`;
  assert.match(said, new RegExp(wanted));
});

testAsCard("out of memory: a single tensor says so, and not that the GPU was lost", async () => {
  await using root = await tempFolder();
  const said = await refusal({ width: 12, batch: 2 }, { cwd: root.path, memory: 150e6 });
  assert.match(
    said,
    /^error: Cannot (write|allocate) [\w.]+: wanted [\d.]+ MB of GPU memory beside the [\d.]+ MB that other tensors take, found less left$/,
  );
});

testAsCard("out of memory: where the weights cannot be read back, the run says so", async () => {
  await using root = await tempFolder();
  const place = { cwd: root.path, memory: 400e6 };
  const { code, stderr } = await train({ width: 12, batch: 2 }, place);
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /^error: Cannot read tensors back: wanted [\d.]+ MB of GPU memory beside the [\d.]+ MB that other tensors take, found less left$/m,
  );
});

testAsCard("a tensor larger than the card's buffers names the batch that would do", async () => {
  await using root = await tempFolder();
  const place = { cwd: root.path, card: { storageRange: 2 ** 27 } };
  const said = await refusal({ width: 4, batch: 600 }, place);
  assert.match(
    said,
    /^error: Cannot train WRN-10-4 with batches of 600: wanted at most 512 on this adapter \(Cannot allocate .*: a buffer of this adapter holds at most 134217728 bytes, found 157286400\)$/,
  );
});
