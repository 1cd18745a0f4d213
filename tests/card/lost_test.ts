import assert from "node:assert/strict";
import { testWithLayer } from "../support/as_card.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { runTask } from "../support/command.ts";
import { type Posing, posingAs } from "../support/posing_layer/posing_layer.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { timelessLinesOf } from "../support/tiny_run.ts";
import { TINY_ENV, TINY_FLAGS, writeTinyCifar } from "../support/tiny_cifar.ts";

/** Four images in batches of two. They are trained on as on the software adapter: a card's kernels compile for long. */
const FLAGS = [...TINY_FLAGS, "--train_images=4", "--batch_size=2", "--epochs=6"];

/** A submit and a wait in the middle of such a run, of some 100 and 35: how many come before it varies a little. */
const SUBMIT = 60;
const WAIT = 18;

testWithLayer(
  "cifar: a GPU that is lost at a submit, or at a wait, costs no bit of the result",
  async () => {
    await using root = await tempFolder();
    await writeTinyCifar(root.path);
    const cifar = async (args: readonly string[], posing: Posing = {}) =>
      await runTask("cifar", args, {
        cwd: root.path,
        env: { ...TINY_ENV, ...await posingAs(null, posing) },
      });
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
    assert.ok(losses.length === 6 && losses.every((loss) => loss > 0), `${losses}`);

    const atSubmit = await cifar([...FLAGS, "--save=submit"], { lostAtSubmit: SUBMIT });
    assert.equal(atSubmit.code, 0, atSubmit.stderr);
    assert.match(
      atSubmit.stderr,
      /^epoch 1\/6: [^]*^The GPU was lost \(.+\): goes on from what was saved \(1 of 3 times at most\)$[^]*^epoch 6\/6: /m,
    );
    assert.doesNotMatch(atSubmit.stderr, /starts from its beginning|2 of 3/);
    await assertWhole("submit");

    const atWait = await cifar([...FLAGS, "--save=wait"], { lostAtWait: WAIT });
    assert.notEqual(atWait.code, 0);
    // Deno's own fault: it has no error for a loss at a wait, and ends.
    assert.match(atWait.stderr, /^epoch 1\/6: [^]*Deno has panicked[^]*Device\(Lost\)/m);
    assert.doesNotMatch(atWait.stderr, /^epoch 6\/6: /m);
    const resumed = await cifar(["--resume=wait"]);
    assert.equal(resumed.code, 0, resumed.stderr);
    await assertWhole("wait");
  },
);
