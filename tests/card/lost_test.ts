import assert from "node:assert/strict";
import { runAsCard, testAsCard } from "../support/as_card.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import type { Posing } from "../support/posing_layer/posing_layer.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { timelessLinesOf } from "../support/tiny_run.ts";
import { TINY_FLAGS, writeTinyCifar } from "../support/tiny_cifar.ts";

/** Four images in batches of two, all of them one program: what a card runs takes llvmpipe long to compile. */
const FLAGS = [...TINY_FLAGS, "--train_images=4", "--batch_size=2", "--epochs=3"];

/** A submit and a wait of such a run that come after its first epoch and before its last. */
const SUBMIT = 22;
const WAIT = 9;

testAsCard(
  "cifar: a card that is lost at a submit, or at a wait, costs no bit of the result",
  async () => {
    await using root = await tempFolder();
    await writeTinyCifar(root.path);
    const cifar = async (args: readonly string[], posing: Posing = {}) =>
      await runAsCard("cifar", args, { cwd: root.path, ...posing });
    const stepsOf = (run: string) => timelessLinesOf(`${root.path}/logs/${run}`, "steps.jsonl");
    const assertWhole = async (name: string) => {
      for (const file of ["model", "best", "checkpoint"]) {
        const bytesOf = (run: string) =>
          Deno.readFile(`${root.path}/logs/${run}/${file}.safetensors`);
        assertSameBytes(await bytesOf(name), await bytesOf("whole"), `${name}: ${file}`);
      }
      assert.deepEqual(await stepsOf(name), await stepsOf("whole"));
    };

    const whole = await cifar([...FLAGS, "--save=whole"]);
    assert.equal(whole.code, 0, whole.stderr);
    const lossOf = ({ train_loss }: Record<string, unknown>) => Number(train_loss);
    const losses = (await timelessLinesOf(`${root.path}/logs/whole`, "log.txt")).map(lossOf);
    assert.ok(losses.length === 3 && losses.every((loss) => loss > 0), `${losses}`);

    const atSubmit = await cifar([...FLAGS, "--save=submit"], { lostAtSubmit: SUBMIT });
    assert.equal(atSubmit.code, 0, atSubmit.stderr);
    assert.match(
      atSubmit.stderr,
      /^epoch 1\/3: [^]*^The GPU was lost \(.+\): goes on from what was saved \(1 of 3 times at most\)$[^]*^epoch 3\/3: /m,
    );
    assert.doesNotMatch(atSubmit.stderr, /starts from its beginning|2 of 3/);
    await assertWhole("submit");

    const atWait = await cifar([...FLAGS, "--save=wait"], { lostAtWait: WAIT });
    assert.notEqual(atWait.code, 0);
    // Deno's own fault: it has no error for a loss at a wait, and ends.
    assert.match(atWait.stderr, /^epoch 1\/3: [^]*Deno has panicked[^]*Device\(Lost\)/m);
    assert.doesNotMatch(atWait.stderr, /^epoch 3\/3: /m);
    const resumed = await cifar(["--resume=wait"]);
    assert.equal(resumed.code, 0, resumed.stderr);
    await assertWhole("wait");
  },
);
