import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import {
  createDownloadProgress,
  createProgress,
  type TrainingState,
} from "../../../tasks/command_line/progress.ts";

function at(epoch: number, step: number, loss: number | null = 1.23456): TrainingState {
  return {
    epoch,
    epochs: 3,
    step,
    steps: 100,
    imagesPerSecond: 1234.5,
    loss,
    learningRate: 0.1,
    secondsLeft: 3725,
  };
}

function written(stream: PassThrough): string {
  let text = "";
  for (let part = stream.read(); part !== null; part = stream.read()) text += part;
  return text;
}

Deno.test("createProgress: without a terminal, a line says all there is to say", () => {
  const stream = new PassThrough();
  createProgress({ stream }).update(at(2, 50));
  assert.equal(
    written(stream),
    "epoch 2/3  step 50/100  1235 images/s  loss 1.235  lr 0.1  1 h 2 min left\n",
  );
});

Deno.test("createProgress: figures that are not known yet are dashes", () => {
  const stream = new PassThrough();
  const progress = createProgress({ stream });
  progress.update({ ...at(1, 0), imagesPerSecond: NaN, loss: null, secondsLeft: Infinity });
  assert.match(written(stream), /step 0\/100 {2}- images\/s {2}loss - {2}lr 0\.1 {2}- left\n$/);
});

Deno.test("createProgress: a loss that is known and not finite is shown as what it is", () => {
  for (const loss of [NaN, Infinity, -Infinity]) {
    const stream = new PassThrough();
    createProgress({ stream }).update(at(1, 1, loss));
    assert.match(written(stream), new RegExp(`  loss ${loss}  lr`));
  }
});

Deno.test("createProgress: lines come ten seconds apart, and one at the end of an epoch", () => {
  const stream = new PassThrough();
  let clock = 0;
  const progress = createProgress({ stream, now: () => clock });
  for (let step = 0; step <= 100; step++, clock += 250) progress.update(at(1, step));
  const steps = [...written(stream).matchAll(/step (\d+)\//g)].map((match) => Number(match[1]));
  assert.deepEqual(steps, [0, 40, 80, 100]);
});

Deno.test("createProgress: an epoch whose end was not shown leaves its last state", () => {
  const stream = new PassThrough();
  const progress = createProgress({ stream, now: () => 0 });
  for (const state of [at(1, 0), at(1, 98), at(2, 0), at(2, 7)]) progress.update(state);
  progress.done();
  progress.done();
  const places = [...written(stream).matchAll(/epoch (\d).*step (\d+)/g)].map((m) =>
    `${m[1]}:${m[2]}`
  );
  assert.deepEqual(places, ["1:0", "1:98", "2:7"]);
});

Deno.test("createProgress: notes are lines of their own, and nothing returns the carriage", () => {
  const stream = new PassThrough();
  const progress = createProgress({ stream, now: () => 0 });
  progress.update(at(1, 0));
  progress.note("test 42.00 %");
  progress.done();
  const text = written(stream);
  assert.ok(text.endsWith("left\ntest 42.00 %\n"));
  assert.equal(stripVTControlCharacters(text), text);
  assert.ok(!text.includes("\r"));
});

Deno.test("createProgress: on a terminal a bar is drawn over, and taken away when done", () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  {
    using progress = createProgress({ stream });
    progress.update(at(1, 50));
    const drawn = written(stream);
    assert.match(drawn, /epoch 1\/3 \[=+ +\] step 50\/100 {2}1235 images\/s {2}loss 1\.235/);
    assert.ok(!drawn.includes("\n"));
    progress.note("test 42.00 %");
    const [above = "", below = ""] = written(stream).split("test 42.00 %\n");
    assert.ok(above.endsWith("\x1b[2K"));
    assert.match(below, /epoch 1\/3 \[=+ +\] step 50/);
  }
  assert.ok(written(stream).endsWith("\x1b[2K"));
});

Deno.test("createProgress: the bar fits a narrow terminal", () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 40 });
  using progress = createProgress({ stream });
  progress.update(at(1, 50));
  const line = stripVTControlCharacters(written(stream));
  assert.equal(line, "epoch 1/3 [] step 50/100  1235 images/s ");
});

Deno.test("createDownloadProgress: shows megabytes, with and without a total", () => {
  const stream = new PassThrough();
  let clock = 0;
  const progress = createDownloadProgress("set.tar.gz", { stream, now: () => clock });
  progress.update({ received: 0, total: 3_000_000 });
  progress.update({ received: 1_500_000, total: 3_000_000 });
  progress.update({ received: 3_000_000, total: 3_000_000 });
  assert.equal(written(stream), "set.tar.gz  0.0 of 3.0 MB\nset.tar.gz  3.0 of 3.0 MB\n");
  progress.update({ received: 1_000_000 });
  assert.equal(written(stream), "");
  clock = 10_000;
  progress.update({ received: 2_000_000 });
  assert.equal(written(stream), "set.tar.gz  2.0 MB\n");
});
