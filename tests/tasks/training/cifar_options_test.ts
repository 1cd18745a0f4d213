import assert from "node:assert/strict";
import { resolve } from "node:path";
import { CIFAR_DEFAULTS, type CifarSettings } from "../../../lib/train/settings/cifar_settings.ts";
import { parseCifar } from "../../../tasks/training/cifar_options.ts";
import { refusalOf } from "../../support/refusal.ts";

/** The defaults, with whole paths. */
const DEFAULTS = {
  ...CIFAR_DEFAULTS,
  dataroot: resolve(CIFAR_DEFAULTS.dataroot),
  logs: resolve(CIFAR_DEFAULTS.logs),
};

function settingsOf(...argv: string[]): CifarSettings {
  const command = parseCifar(argv);
  assert.ok(command.kind === "train");
  return command.settings;
}

function refuses(...argv: string[]): string {
  return refusalOf(() => parseCifar(argv));
}

function helpText(): string {
  const command = parseCifar(["--help"]);
  assert.ok(command.kind === "print");
  return command.text;
}

Deno.test("parseCifar: no flag gives the defaults of the original", () => {
  assert.deepEqual(settingsOf(), DEFAULTS);
  assert.deepEqual(settingsOf().epoch_step, [60, 120, 160]);
});

Deno.test("parseCifar: every flag sets its setting", () => {
  const given: CifarSettings = {
    model: "wrn",
    no_bn: false,
    no_pool_relu: false,
    depth: 40,
    width: 1.5,
    dataset: "shapes",
    dataroot: "/data sets",
    dtype: "half",
    nthread: 2,
    teacher_id: "teacher",
    batch_size: 32,
    lr: 0.05,
    epochs: 3,
    weight_decay: 0,
    epoch_step: [1, 2],
    lr_decay_ratio: 0.1,
    resume: "",
    randomcrop_pad: 0,
    temperature: 2.5,
    alpha: 0.9,
    alpha_decay: "exp:3",
    beta: 1000,
    beta_decay: "linear",
    beta_from_epoch: 2,
    taps: [0, 2],
    map: "max^3",
    map_norm: "l1",
    map_resize: "bilinear",
    at_form: "paper",
    fact_beta: 10,
    grad_beta: 0,
    min_l2_beta: 0,
    symmetry_beta: 0,
    grad_distance: "batch",
    grad_bn: "train",
    cuda: true,
    save: "/runs/a",
    ngpu: 1,
    gpu_id: "0",
    seed: 7,
    init: "/a.safetensors",
    sync_bn: true,
    allreduce_dtype: "half",
    lr_scale: "linear",
    mpi_timeout: 5,
    mpi_library: "/lib/libmpi.so",
    take: "model_ema",
    max_steps: 20,
    no_augment: true,
    no_shuffle: true,
    on_nonfinite: "skip",
    log_every: 1,
    logs: "/runs",
    nesterov: true,
    train_images: 500,
  };
  const worded = Object.entries(given).flatMap(([name, value]) => {
    if (value === false) return [];
    if (value === true) return [`--${name}`];
    return [`--${name}`, typeof value === "string" ? value : JSON.stringify(value)];
  });
  assert.deepEqual(settingsOf(...worded), given);
  const dashed = worded.map((word) => word.startsWith("--") ? word.replaceAll("_", "-") : word);
  assert.deepEqual(settingsOf(...dashed), given);
});

Deno.test("parseCifar: --profile takes the settings of a run, but not beside --resume or --evaluate", () => {
  const command = parseCifar(["--profile", "--depth=10", "--save=a"]);
  assert.deepEqual(command, {
    kind: "profile",
    settings: { ...DEFAULTS, depth: 10, save: "a" },
  });
  for (const flag of ["resume", "evaluate"]) {
    assert.match(refuses(`--${flag}=run`, "--profile"), / beside --\w+, found --profile; /);
  }
});

Deno.test("parseCifar: --autotune is no setting, and may stand beside --profile and --resume", () => {
  const settings = DEFAULTS;
  assert.deepEqual(parseCifar(["--autotune=full"]), { kind: "train", settings, autotune: "full" });
  assert.deepEqual(parseCifar(["--profile", "--autotune", "off"]), {
    kind: "profile",
    settings,
    autotune: "off",
  });
  const resumed = parseCifar(["--resume=a", "--autotune=quick", "--epochs=3"]);
  assert.ok(resumed.kind === "resume");
  assert.deepEqual([resumed.autotune, resumed.changes], ["quick", { epochs: 3 }]);
  assert.match(
    refuses("--evaluate=a", "--autotune=off"),
    / beside --evaluate, found --autotune; /,
  );
  assert.match(refuses("--autotune=fast"), /expected one of off, quick, full, found "fast"/);
});

Deno.test("parseCifar: --teacher is --teacher_id, and the last of a repeated flag counts", () => {
  assert.equal(settingsOf("--teacher", "a").teacher_id, "a");
  assert.equal(settingsOf("--teacher-id=a").teacher_id, "a");
  assert.equal(settingsOf("--teacher_id", "a", "--teacher", "b").teacher_id, "b");
  assert.equal(settingsOf("--teacher", "b", "--teacher_id", "a").teacher_id, "a");
  assert.equal(settingsOf("--batch_size=1", "--batch-size", "2").batch_size, 2);
});

Deno.test("parseCifar: values are kept as they are typed", () => {
  assert.equal(settingsOf("--save", "my_run-1").save, "my_run-1");
  assert.equal(settingsOf("--save", "--batch-size").save, "--batch-size");
  assert.equal(settingsOf("--save=a=b").save, "a=b");
  assert.equal(settingsOf("--teacher=t", "--beta=1e+3").beta, 1000);
  assert.equal(settingsOf("--lr", ".5").lr, 0.5);
  assert.equal(settingsOf("--epoch_step", "[ ]").epoch_step.length, 0);
  assert.equal(settingsOf("--", "--seed", "3").seed, 3);
});

Deno.test("parseCifar: an unknown flag is refused with the nearest one", () => {
  assert.match(refuses("--bta", "1"), /found --bta; the nearest is --beta$/);
  assert.match(refuses("--batchSize=4"), /the nearest is --batch_size$/);
  assert.match(refuses("--data_root", "x"), /the nearest is --dataroot$/);
  assert.match(refuses("-depth", "16"), /found -depth; the nearest is --depth$/);
});

Deno.test("parseCifar: what other trainers call a flag brings ours", () => {
  const wanted = {
    "--learning_rate": "--lr",
    "--learning-rate": "--lr",
    "--wd": "--weight_decay",
    "-b": "--batch_size",
    "--num_epochs": "--epochs",
    "--milestones": "--epoch_step",
    "--gamma": "--lr_decay_ratio",
    "--model_dir": "--save",
    "--output": "--save",
    "--save-dir": "--save",
    "--log_dir": "--logs",
    "--pretrained": "--init",
    "--teacher_path": "--teacher",
    "--path-t": "--teacher",
    "--data": "--dataroot",
    "--data_dir": "--dataroot",
    "--arch": "--model",
    "--workers": "--nthread",
    "-j": "--nthread",
    "--num-workers": "--nthread",
    "--momentum": "--nesterov",
    "--gpu": "--gpu_id",
    "--amp": "--dtype",
    "--print-freq": "--log_every",
    "--eval": "--evaluate",
    "--resume_from": "--resume",
    "--random_seed": "--seed",
  };
  for (const [found, nearest] of Object.entries(wanted)) {
    assert.ok(refuses(found, "1").endsWith(`found ${found}; the nearest is ${nearest}`), found);
    assert.ok(refuses(`${found}=1`).endsWith(`; the nearest is ${nearest}`), found);
  }
});

Deno.test("parseCifar: a stray word, a missing value and a value too many are refused", () => {
  assert.match(refuses("--cuda", "yes", "now"), /expected only flags, found "yes" "now"$/);
  assert.match(refuses("--cuda=yes"), /--cuda: expected no value, found "yes"$/);
  assert.match(refuses("--seed", "1", "--beta"), /--beta: expected a value after it/);
});

Deno.test("parseCifar: a number must be one from its first to its last letter", () => {
  for (const text of ["12abc", "", "0x10", "NaN", "Infinity", "1e999", " 1", "1_000", "--alpha"]) {
    assert.match(refuses("--beta", text), /--beta: expected a number/, text);
    assert.match(refuses("--epochs", text), /--epochs: expected a whole number/, text);
  }
  assert.match(refuses("--epochs", "1.5"), /expected a whole number, found "1.5"/);
  for (const text of ["60,120", "[60,]", "[1.5]", "[a]", "{}", ""]) {
    assert.match(refuses("--epoch_step", text), /expected a list such as/, text);
  }
});

Deno.test("parseCifar: a value out of its range is refused with the nearest right one", () => {
  assert.match(
    refuses("--depth", "15"),
    /--depth must be 6n\+4 \(10, 16, 22, 28, 40\.\.\.\), found 15; the nearest is 16$/,
  );
  assert.match(refuses("--beta", "-1"), /found -1; the nearest is 0$/);
  assert.match(refuses("--dataset", "cifar-100"), /the nearest is CIFAR100$/);
  assert.match(refuses("--dtype", "halve"), /expected one of float, half, found "halve"/);
  assert.match(refuses("--ngpu", "0"), /--ngpu must be a whole number of at least 1/);
});

Deno.test("parseCifar: --resume tells changes from defaults and refuses other flags", () => {
  assert.deepEqual(parseCifar(["--resume", "a"]), {
    kind: "resume",
    run: "a",
    logs: resolve("logs"),
    changes: {},
  });
  const argv = [
    "--resume=a",
    "--logs",
    "/b",
    "--epochs",
    "200",
    "--max-steps",
    "9",
    "--log_every=1",
  ];
  assert.deepEqual(parseCifar(argv), {
    kind: "resume",
    run: "a",
    logs: "/b",
    changes: { epochs: 200, max_steps: 9, log_every: 1 },
  });
  assert.match(refuses("--resume", "a", "--beta", "0"), /found --beta; .* the run's own$/);
  assert.match(refuses("--resume", "a", "--take", "b"), /found --take; .* the run's own$/);
  assert.match(refuses("--resume", "a", "--evaluate", "b"), /found --evaluate/);
  assert.match(refuses("--resume", "a", "--epochs", "0"), /--epochs must be/);
});

Deno.test("parseCifar: --evaluate takes what the test set needs and refuses other flags", () => {
  const argv = ["--evaluate", "a", "--dataset=shapes", "--batch_size", "8", "--train-images", "9"];
  assert.deepEqual(parseCifar(argv), {
    kind: "evaluate",
    target: "a",
    logs: resolve("logs"),
    changes: { dataset: "shapes", batch_size: 8, train_images: 9 },
    settings: { ...DEFAULTS, dataset: "shapes", batch_size: 8, train_images: 9 },
  });
  assert.match(refuses("--evaluate", "a", "--depth", "16"), /found --depth/);
});

Deno.test("parseCifar: --take needs weights that it is taken of", () => {
  assert.equal(settingsOf("--take=ema", "--teacher=a.pth").take, "ema");
  assert.equal(settingsOf("--take=ema", "--init=a.pth").take, "ema");
  const command = parseCifar(["--evaluate=a.pth", "--take=ema"]);
  assert.ok(command.kind === "evaluate");
  assert.deepEqual(
    [command.changes, command.settings],
    [{ take: "ema" }, { ...DEFAULTS, take: "ema" }],
  );
  const message =
    "Cannot train: --take ema needs a weights file of --init or --teacher, found neither";
  assert.equal(refuses("--take=ema"), message);
  assert.equal(refuses("--take=ema", "--profile"), message);
});

Deno.test("parseCifar: the help names every flag once, with its default", () => {
  const help = helpText();
  for (const [name, value] of Object.entries(CIFAR_DEFAULTS)) {
    const shown = name === "teacher_id" ? "teacher" : name;
    assert.equal(help.match(new RegExp(`^  --${shown} `, "gm"))?.length, 1, name);
    const worded = typeof value === "number" || Array.isArray(value);
    if (worded) assert.ok(help.includes(`(default: ${JSON.stringify(value)})`), name);
  }
  for (const flag of ["--evaluate", "-h, --help", "--version", "--debug"]) {
    assert.ok(help.includes(`  ${flag} `), flag);
  }
  assert.ok(!/--batch-size/.test(help));
  assert.ok(Math.max(...help.split("\n").map((line) => line.length)) <= 100);
});

Deno.test("parseCifar: --help and --version come before any complaint", () => {
  assert.equal(parseCifar(["--depth", "x", "--nonsense", "--help"]).kind, "print");
  assert.deepEqual(parseCifar(["-h"]), parseCifar(["--help"]));
  const version = parseCifar(["--version"]);
  assert.ok(version.kind === "print");
  assert.match(version.text, /^\d+\.\d+\.\d+$/);
});
