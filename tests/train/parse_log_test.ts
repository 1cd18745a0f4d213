import assert from "node:assert/strict";
import { cifarEpochLine } from "../../lib/train/cifar_kind.ts";
import { loggedModel, numberAt, parseLog } from "../../lib/train/parse_log.ts";
import { CIFAR_DEFAULTS } from "../../lib/train/settings/cifar_settings.ts";

const ORIGINAL = [
  'json_stats: {"depth": 22, "width": 2.0, "teacher_id": "", "epoch_step": "[60,120,160]", ' +
  '"save": "logs/NaN \\"Infinity\\"", "test_acc": 41.5, "epoch": 1, "num_classes": 10, ' +
  '"at_losses": [[NaN, NaN], [0.5, Infinity], [1e-05, -Infinity]]}',
  "==> id: 1 (1/200), test_acc: 41.50",
  "json_stats: {torn",
  "",
  'json_stats: {"depth": 22, "width": 2.0, "batchSize": 128, "weightDecay": 0.0005, ' +
  '"data_root": ".", "epoch": 2}\r',
  'json_stats: {"depth": 22, "wid',
].join("\n");

Deno.test("parseLog: reads what Python wrote, and skips what is not an epoch", () => {
  assert.deepEqual(parseLog(ORIGINAL), [
    {
      depth: 22,
      width: 2,
      teacher_id: "",
      epoch_step: "[60,120,160]",
      save: 'logs/NaN "Infinity"',
      test_acc: 41.5,
      epoch: 1,
      num_classes: 10,
      at_losses: [[null, null], [0.5, null], [0.00001, null]],
    },
    { depth: 22, width: 2, batch_size: 128, weight_decay: 0.0005, dataroot: ".", epoch: 2 },
  ]);
});

Deno.test("parseLog: reads back our own lines", () => {
  const line = cifarEpochLine({ ...CIFAR_DEFAULTS, width: 2 }, {
    train_loss: 1,
    train_acc: 2,
    test_loss: 3,
    test_loss_total: 4,
    test_acc: 5,
    epoch: 6,
    num_classes: 100,
    n_parameters: 7,
    train_time: 8,
    test_time: 9,
    at_losses: [[1, 0]],
  });
  assert.deepEqual(parseLog(`${line}\n`), [JSON.parse(line.slice("json_stats: ".length))]);
  assert.deepEqual(loggedModel(line, "log.txt"), { depth: 16, width: 2, num_classes: 100 });
});

Deno.test("loggedModel: takes the first line, and names what is missing", () => {
  assert.deepEqual(loggedModel(ORIGINAL, "log.txt"), { depth: 22, width: 2, num_classes: 10 });
  assert.throws(() => loggedModel("Epoch 1\n", "a/log.txt"), {
    name: "TypeError",
    message: "Cannot read a/log.txt: expected a line json_stats: {...}, found none",
  });
  const text = 'json_stats: {"depth": 16, "width": "2"}';
  assert.throws(() => loggedModel(text, "log.txt"), /expected a number as width, found "2"/);
  const older = 'json_stats: {"depth": 16, "width": 1}';
  assert.equal(loggedModel(older, "log.txt").num_classes, undefined);
});

Deno.test("numberAt: reads a number of either log, and only a number", () => {
  assert.equal(numberAt('{"step":0,"epoch":1}', "step"), 0);
  assert.equal(numberAt('json_stats: {"epoch": 7, "x": NaN}', "epoch"), 7);
  assert.equal(numberAt('{"loss":null}', "loss"), undefined);
  for (const line of ["", "[1]", "7", "json_stats: {", '{"epoch":1}']) {
    assert.equal(numberAt(line, "step"), undefined, line);
  }
});
