import assert from "node:assert/strict";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { runTask } from "../support/command.ts";
import { drawScene, SCENE_FLAGS } from "../support/image_scene.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { linesOf, timelessLinesOf } from "../support/tiny_run.ts";

const SIXTY_FOUR = SCENE_FLAGS.map((flag) => flag === "--image_size=32" ? "--image_size=64" : flag);
const TAUGHT = [...SIXTY_FOUR, "--teacher_random=1", "--beta=10"];

Deno.test("imagenet: two epochs on 200 drawn images with a teacher, resumed, evaluated, with 1 worker as with 4", async () => {
  await using root = await tempFolder();
  const cwd = root.path;
  await drawScene(cwd);
  const run = async (...args: string[]) => {
    const outcome = await runTask("imagenet", args, { cwd });
    assert.equal(outcome.code, 0, outcome.stderr);
    return outcome;
  };
  await run(...TAUGHT, "--nthread=4", "--epochs=2", "--save=whole");
  await run(...TAUGHT, "--nthread=1", "--epochs=2", "--max_steps=13", "--save=parts");
  const bytesOf = (name: string, file: string) => Deno.readFile(`${cwd}/logs/${name}/${file}`);
  assert.notDeepEqual(
    await bytesOf("parts", "model.safetensors"),
    await bytesOf("whole", "model.safetensors"),
  );
  await run("--resume=parts", "--max_steps=20", "--nthread=2");
  for (const file of ["model.safetensors", "best.safetensors"]) {
    assertSameBytes(await bytesOf("parts", file), await bytesOf("whole", file), file);
  }
  const timeless = (name: string) => timelessLinesOf(`${cwd}/logs/${name}`, "steps.jsonl");
  assert.deepEqual(await timeless("parts"), await timeless("whole"));

  const [first, second] = await linesOf(`${cwd}/logs/whole`, "log.txt");
  for (const line of [first, second]) {
    assert.deepEqual(
      [line?.["train_acc"], line?.["test_acc"]].map((list) => Array.isArray(list) && list.length),
      [2, 2],
    );
    assert.equal(Object.hasOwn(line ?? {}, "num_classes"), false);
    assert.equal(Array.isArray(line?.["at_losses"]) && line["at_losses"].length, 4);
  }
  assert.ok(Number(second?.["train_loss"]) < Number(first?.["train_loss"]));
  // The list of images, which an evaluation could use and does not write.
  const isList = ({ name }: Deno.DirEntry) => name.startsWith("images-");
  const lists = async () => (await Array.fromAsync(Deno.readDir(`${cwd}/logs`))).filter(isList);
  const [list, ...others] = await lists();
  assert.equal(others.length, 0);
  await Deno.remove(`${cwd}/logs/${list?.name}`);
  const { stdout } = await run("--evaluate=whole");
  assert.deepEqual(await lists(), []);
  const [one, five] = [/top-1 ([\d.]+) %/, /top-5 ([\d.]+) %/].map((part) =>
    Number(part.exec(stdout)?.[1])
  );
  assert.deepEqual([one, five], second?.["test_acc"]);
  assert.match(stdout, /40 test images of images\n.* \d+\.\d s, \d+ images\/s\n$/);
});
