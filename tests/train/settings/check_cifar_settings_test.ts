import assert from "node:assert/strict";
import { checkCifarSettings } from "../../../lib/train/settings/check_cifar_settings.ts";
import { CIFAR_DEFAULTS, type CifarSettings } from "../../../lib/train/settings/cifar_settings.ts";

function accept(changes: Partial<CifarSettings>): void {
  checkCifarSettings({ ...CIFAR_DEFAULTS, ...changes });
}

function refuse(changes: Partial<CifarSettings>, message: RegExp): void {
  assert.throws(() => accept(changes), (error) => {
    assert.ok(error instanceof RangeError);
    assert.match(error.message, /^Cannot train: --[^\n]*[^.]$/);
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("checkCifarSettings: accepts the edges of every range", () => {
  accept({});
  for (const depth of [10, 16, 22, 28, 34, 40, 100]) accept({ depth });
  for (const width of [0.0625, 0.5, 1.5, 10]) accept({ width });
  for (const seed of [0, 2 ** 32 - 1]) accept({ seed });
  for (const randomcrop_pad of [0, 31]) accept({ randomcrop_pad });
  for (const alpha of [0, 1]) accept({ alpha, beta: 1e4, teacher_id: "t" });
  accept({ batch_size: 1, epochs: 1, log_every: 1, max_steps: 1, train_images: 1 });
  accept({ weight_decay: 0, epoch_step: [], lr: 1e-9, temperature: 0.01, nthread: 0 });
});

Deno.test("checkCifarSettings: refuses a depth that is not 6n+4 and names the nearest", () => {
  const nearest = [[15, 16], [18, 16], [20, 22], [4, 10], [-8, 10], [16.5, 16]];
  for (const [depth = 0, right] of nearest) {
    refuse({ depth }, new RegExp(`found ${depth}; the nearest is ${right}$`));
  }
  refuse({ depth: NaN }, /--depth must be 6n\+4/);
});

Deno.test("checkCifarSettings: refuses a number outside its range and names the nearest", () => {
  refuse({ width: 0.06 }, /--width .* found 0\.06; the nearest is 0\.0625$/);
  refuse({ width: Infinity }, /--width/);
  refuse({ beta: -1 }, /--beta .* found -1; the nearest is 0$/);
  refuse({ beta: Infinity }, /--beta/);
  refuse({ alpha: 1.5 }, /--alpha must be from 0 to 1, found 1\.5; the nearest is 1$/);
  refuse({ alpha: -0.1 }, /the nearest is 0$/);
  refuse({ seed: 2 ** 32 }, /--seed .* the nearest is 4294967295$/);
  refuse({ seed: -1 }, /the nearest is 0$/);
  refuse({ randomcrop_pad: 32 }, /--randomcrop_pad .* the nearest is 31$/);
  refuse({ weight_decay: -1e-4 }, /--weight_decay .* the nearest is 0$/);
  refuse({ nthread: -1 }, /--nthread .* the nearest is 0$/);
  refuse({ temperature: 0 }, /--temperature must be a number above 0, found 0; the default is 4$/);
  refuse({ lr: -0.1 }, /--lr .* the default is 0\.1$/);
  refuse({ lr: Infinity }, /--lr/);
  refuse({ lr_decay_ratio: 0 }, /--lr_decay_ratio/);
});

Deno.test("checkCifarSettings: accepts every loss of the paper, with what belongs to it", () => {
  const taught = { teacher_id: "t" };
  for (const map of ["sum", "sum^1.5", "sum^4", "max", "max^2"]) {
    accept({ ...taught, beta: 1, map });
  }
  accept({
    ...taught,
    beta: 1,
    map_norm: "l1",
    map_resize: "bilinear",
    at_form: "paper",
    taps: [2],
  });
  accept({ ...taught, fact_beta: 1, beta_decay: "exp:3", at_form: "paper" });
  accept({ ...taught, beta: 1, alpha: 0.9, beta_decay: "linear", alpha_decay: "cosine" });
  accept({ ...taught, grad_beta: 1, grad_distance: "square", grad_bn: "eval" });
  accept({ min_l2_beta: 1, symmetry_beta: 1, grad_distance: "sample" });
  for (const model of ["nin-wide", "nin-thin"] as const) {
    accept({ model, no_bn: true, no_pool_relu: true });
  }
});

Deno.test("checkCifarSettings: refuses losses and settings that do not go together, and says why", () => {
  const taught = { teacher_id: "t" };
  refuse(
    { ...taught, beta: 1, map: "max^0" },
    /--map must be sum, max, sum\^p or .*, found max\^0; the near/,
  );
  refuse({ ...taught, beta: 1, taps: [3] }, /--taps must be .* from 0 to 2, .* found \[3\]/);
  refuse({ ...taught, beta: 1, beta_decay: "step" }, /--beta_decay must be none, .* found step; /);
  for (const key of ["beta", "fact_beta", "grad_beta", "alpha"]) {
    refuse(
      { [key]: 1 },
      new RegExp(`--${key} above 0 learns from a teacher, found --${key} 1 with`),
    );
  }
  refuse({ ...taught, map: "max" }, /--map max needs a --beta above 0, found 0$/);
  refuse({ ...taught, at_form: "paper" }, /--at_form paper needs a --beta or --fact_beta above 0/);
  refuse({ alpha_decay: "linear" }, /--alpha_decay linear needs a --alpha above 0, found 0$/);
  refuse(
    { grad_bn: "eval" },
    /--grad_bn eval needs a --grad_beta or --min_l2_beta or --symmetry_beta above 0, found 0$/,
  );
  for (const key of ["grad_beta", "min_l2_beta", "symmetry_beta"]) {
    refuse(
      { ...taught, [key]: 1, dtype: "half" },
      new RegExp(`--${key} takes second derivatives, .* wanted --dtype float, found half$`),
    );
  }
  refuse({ no_bn: true }, /--no_bn is for --model nin-wide or nin-thin, found --model wrn$/);
  refuse({ model: "nin-thin", depth: 40 }, /--depth is for --model wrn, found --model nin-thin$/);
});

Deno.test("checkCifarSettings: refuses a count below one or with a fraction", () => {
  const counts = ["batch_size", "epochs", "log_every", "max_steps", "train_images"];
  for (const name of counts) {
    refuse({ [name]: 0 }, new RegExp(`--${name} must be a whole number .* the nearest is 1$`));
    refuse({ [name]: 2.4 }, new RegExp(`--${name} .* the nearest is 2$`));
  }
  refuse({ epoch_step: [60, 0] }, /--epoch_step .* found \[60,0\]; the nearest is \[60,1\]$/);
  refuse({ epoch_step: [1.5] }, /--epoch_step/);
});

Deno.test("checkCifarSettings: refuses what is not supported yet", () => {
  refuse({ ngpu: 0 }, /--ngpu must be a whole number of at least 1, found 0; the nearest is 1/);
  refuse({ gpu_id: "0;1" }, /--gpu_id must be the numbers of GPUs, such as 0 or 0,1, found 0;1/);
  refuse({ logs: "" }, /--logs must be a folder/);
});

Deno.test("checkCifarSettings: refuses a transfer loss without a teacher", () => {
  refuse({ beta: 1000 }, /--beta above 0 learns from a teacher, found --beta 1000 without one/);
  refuse({ alpha: 0.9 }, /--alpha above 0 learns from a teacher/);
});
