import assert from "node:assert/strict";
import { cifarEpochLine } from "../../lib/train/cifar_kind.ts";
import { type EpochResult, meanAndStd, stepLine } from "../../lib/train/log.ts";
import { CIFAR_DEFAULTS } from "../../lib/train/settings/cifar_settings.ts";

const RESULT: EpochResult = {
  train_loss: 3.8,
  train_acc: 31.774,
  test_loss: 1.5,
  test_loss_total: 3.1,
  test_acc: 42.65,
  epoch: 1,
  num_classes: 10,
  n_parameters: 175994,
  train_time: 11.9,
  test_time: 2.5,
  at_losses: [[1e-4, 2e-5], [3e-4, 0], [1e-3, 5e-4]],
};

function fieldsOf(line: string): Record<string, unknown> {
  const mark = "json_stats: ";
  assert.ok(line.startsWith(mark));
  return JSON.parse(line.slice(mark.length));
}

Deno.test("cifarEpochLine: has the original's keys in the original's order, then ours", () => {
  const keys = "depth width dataset dataroot dtype nthread teacher_id batch_size lr epochs " +
    "weight_decay epoch_step lr_decay_ratio resume randomcrop_pad temperature alpha beta cuda " +
    "save ngpu gpu_id train_loss train_acc test_loss test_acc epoch num_classes n_parameters " +
    "train_time test_time at_losses model test_loss_total";
  const fields = fieldsOf(cifarEpochLine(CIFAR_DEFAULTS, RESULT));
  assert.equal(Object.keys(fields).join(" "), keys);
});

Deno.test("cifarEpochLine, stepLine: in half precision, the loss scale and the skipped steps come last", () => {
  const scaling = { loss_scale: 1024, skipped_steps: 2 };
  const settings = { ...CIFAR_DEFAULTS, dtype: "half" } as const;
  const fields = fieldsOf(cifarEpochLine(settings, { ...RESULT, ...scaling }));
  assert.equal(fields["dtype"], "half");
  assert.deepEqual(Object.entries(fields).slice(-2), Object.entries(scaling));
  const record = {
    step: 3,
    epoch: 1,
    loss: 2,
    at_losses: [],
    lr: 0.1,
    images_per_s: 4,
    ...scaling,
  };
  assert.equal(stepLine(record), JSON.stringify(record));
});

Deno.test("cifarEpochLine: keeps each value under its own key", () => {
  const settings = { ...CIFAR_DEFAULTS, teacher_id: "t", beta: 1000, save: "logs/a", nthread: 2 };
  const fields = fieldsOf(cifarEpochLine(settings, RESULT));
  for (const [key, value] of Object.entries({ ...settings, ...RESULT })) {
    if (key === "epoch_step" || !(key in fields)) continue;
    assert.deepEqual(fields[key], value, key);
  }
  assert.equal(fields["epoch_step"], "[60,120,160]");
});

Deno.test("cifarEpochLine: is valid JSON whatever the numbers are", () => {
  const result = { ...RESULT, train_loss: NaN, test_loss: Infinity, at_losses: [] };
  const fields = fieldsOf(cifarEpochLine(CIFAR_DEFAULTS, result));
  assert.deepEqual([fields["train_loss"], fields["test_loss"]], [null, null]);
  assert.deepEqual(fields["at_losses"], []);
});

Deno.test("stepLine: has the step's six keys in order", () => {
  const record = { step: 3, epoch: 1, loss: 2, at_losses: [1, 2, 3], lr: 0.1, images_per_s: 4 };
  const { images_per_s, ...others } = record;
  const line = stepLine({ images_per_s, ...others });
  assert.equal(line, JSON.stringify(record));
});

Deno.test("meanAndStd: divides the squares by one less than the count", () => {
  const [mean, std] = meanAndStd([2, 4, 4, 4, 5, 5, 7, 9]);
  assert.equal(mean, 5);
  assert.ok(Math.abs(std - Math.sqrt(32 / 7)) < 1e-15);
  assert.deepEqual(meanAndStd([3]), [3, 0]);
  assert.deepEqual(meanAndStd([]), [NaN, 0]);
});

Deno.test("meanAndStd: holds its digits where the spread is small against the mean", () => {
  const [mean, std] = meanAndStd([1e8 + 1, 1e8 + 2, 1e8 + 3]);
  assert.deepEqual([mean, std], [1e8 + 2, 1]);
});
