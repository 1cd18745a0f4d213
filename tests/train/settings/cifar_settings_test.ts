import assert from "node:assert/strict";
import {
  CIFAR_DEFAULTS,
  cifarRunName,
  type CifarSettings,
} from "../../../lib/train/settings/cifar_settings.ts";

function nameOf(changes: Partial<CifarSettings>): string {
  return cifarRunName({ ...CIFAR_DEFAULTS, ...changes });
}

Deno.test("cifarRunName: says the method, the student, the data set and the teacher", () => {
  const teacher_id = "resnet_16_2_teacher";
  assert.equal(nameOf({}), "resnet_16_1");
  assert.equal(nameOf({ depth: 40, width: 1.5 }), "resnet_40_1.5");
  assert.equal(nameOf({ teacher_id }), "resnet_16_1_from_resnet_16_2_teacher");
  assert.equal(nameOf({ teacher_id, beta: 1 }), "at_16_1_from_resnet_16_2_teacher");
  assert.equal(nameOf({ teacher_id, alpha: 0.9 }), "kd_16_1_from_resnet_16_2_teacher");
  assert.equal(nameOf({ teacher_id, alpha: 0.9, beta: 1 }), "at_kd_16_1_from_resnet_16_2_teacher");
  assert.equal(nameOf({ dataset: "CIFAR100" }), "resnet_16_1_CIFAR100");
  assert.equal(nameOf({ dataset: "shapes", teacher_id: "t" }), "resnet_16_1_shapes_from_t");
});

Deno.test("cifarRunName: takes the teacher's last part without its extension", () => {
  const names = ["logs/t", "logs/t/", "a\\t", "t.safetensors", "../t.pt7", "t/.."];
  for (const teacher_id of names) assert.equal(nameOf({ teacher_id }), "resnet_16_1_from_t");
  assert.equal(nameOf({ teacher_id: "w_1.5" }), "resnet_16_1_from_w_1.5");
  assert.equal(nameOf({ teacher_id: ".." }), "resnet_16_1_from_teacher");
});
