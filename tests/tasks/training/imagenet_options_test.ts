import assert from "node:assert/strict";
import { resolve } from "node:path";
import {
  IMAGENET_DEFAULTS,
  type ImageNetSettings,
} from "../../../lib/train/settings/imagenet_settings.ts";
import { readImageNetSettings } from "../../../lib/train/settings/read_imagenet_settings.ts";
import { parseImageNet } from "../../../tasks/training/imagenet_options.ts";
import { refusalOf } from "../../support/refusal.ts";

/** The defaults, with whole paths. */
const DEFAULTS = { ...IMAGENET_DEFAULTS, logs: resolve(IMAGENET_DEFAULTS.logs) };

const FOLDER = "--imagenetpath=/photos";

function settingsOf(...argv: string[]): ImageNetSettings {
  const command = parseImageNet([FOLDER, ...argv]);
  assert.ok(command.kind === "train");
  return command.settings;
}

function refuses(...argv: string[]): string {
  return refusalOf(() => parseImageNet(argv));
}

Deno.test("parseImageNet: no flag but the folder gives the defaults of the original", () => {
  assert.deepEqual(settingsOf(), { ...DEFAULTS, imagenetpath: "/photos" });
  const { batch_size, lr, epochs, weight_decay, epoch_step, lr_decay_ratio } = settingsOf();
  assert.deepEqual([batch_size, lr, epochs, weight_decay], [256, 0.1, 100, 1e-4]);
  assert.deepEqual([epoch_step, lr_decay_ratio], [[30, 60, 90], 0.1]);
});

Deno.test("parseImageNet: every flag sets its setting, and config.json gives it back", () => {
  const given: ImageNetSettings = {
    dtype: "float",
    depth: 34,
    width: 0.5,
    imagenetpath: "/a b",
    nthread: 2,
    teacher_params: "resnet-34-export.hkl",
    batch_size: 32,
    lr: 0.05,
    epochs: 3,
    weight_decay: 0,
    epoch_step: [1, 2],
    lr_decay_ratio: 0.5,
    resume: "",
    temperature: 2,
    alpha: 0.5,
    alpha_decay: "cosine",
    beta: 1000,
    beta_decay: "exp",
    cuda: true,
    save: "/runs/a",
    ngpu: 1,
    gpu_id: "0",
    seed: 7,
    init: "/a.npz",
    sync_bn: true,
    allreduce_dtype: "half",
    lr_scale: "linear",
    mpi_timeout: 5,
    mpi_library: "/lib/libmpi.so",
    take: "model_ema",
    max_steps: 5,
    on_nonfinite: "skip",
    log_every: 2,
    logs: "/runs",
    teacher_random: null,
    depth34_blocks: "original",
    image_size: 128,
    augment: "full",
    on_bad: "skip",
    taps: [2, 3],
    beta_from_epoch: 60,
    map: "max^3",
    map_norm: "l1",
    map_resize: "bilinear",
    at_form: "paper",
    fact_beta: 10,
    grad_beta: 1,
    min_l2_beta: 2,
    symmetry_beta: 3,
    grad_distance: "square",
    grad_bn: "eval",
    accumulate: 4,
  };
  assert.deepEqual(Object.keys(given).sort(), Object.keys(IMAGENET_DEFAULTS).sort());
  const argv = Object.entries(given).flatMap(([name, value]) => {
    if (value === null || name === "resume") return [];
    if (name === "taps") return ["--taps", "2,3"];
    if (value === true) return [`--${name.replaceAll("_", "-")}`];
    return [
      `--${name.replaceAll("_", "-")}`,
      Array.isArray(value) ? JSON.stringify(value) : String(value),
    ];
  });
  assert.deepEqual(settingsOf(...argv), given);
  assert.deepEqual(readImageNetSettings(JSON.parse(JSON.stringify(given)), "config.json"), given);
  assert.equal(settingsOf("--teacher_random", "3").teacher_random, 3);
  assert.throws(
    () => readImageNetSettings({ ...given, augment: "half" }, "c"),
    /^TypeError: Cannot read c: expected one of plain, full as augment, found "half"$/,
  );
});

const REFUSED: readonly [argv: string[], message: RegExp][] = [
  [[], /^Cannot train: wanted --imagenetpath with a folder that has train\/.*, found none$/],
  [["--depth=50"], /^Cannot train: --depth must be 18 or 34, found 50; the nearest is 34$/],
  [["--width=0.01"], /^Cannot train: --width must be a factor that gives 64, .*, found 0.01/],
  [["--beta=10"], /^Cannot train: --beta above 0 learns from a teacher, .*--teacher_random 0$/],
  [
    ["--alpha=.5"],
    /^Cannot train: --alpha above 0 learns from a teacher, found --alpha 0.5 without/,
  ],
  [
    ["--teacher_params=a.hkl", "--teacher_random=1"],
    /^Cannot train: wanted one teacher, found both --teacher_params and --teacher_random$/,
  ],
  [
    ["--taps=4"],
    /^Cannot train: --taps must be a list of different groups from 0 to 3, .* found \[4\]/,
  ],
  [["--taps=2,2"], /^Cannot train: --taps must be .*found \[2,2\]/],
  [["--taps=two"], /^Cannot read --taps: expected a list such as 2,3, found "two"$/],
  [["--accumulate=3"], /^Cannot train: --accumulate must divide --batch_size 256, found 3$/],
  [
    ["--beta_from_epoch=60"],
    /^Cannot train: --beta_from_epoch 60 needs a --beta above 0, found 0$/,
  ],
  [
    ["--depth34_blocks=original"],
    /^Cannot train: --depth34_blocks original is for --depth 34, found/,
  ],
  [
    ["--take=ema", "--teacher_random=1"],
    /^Cannot train: --take ema needs a weights file of --init or --teacher, found neither$/,
  ],
  [
    ["--image_size=16"],
    /^Cannot train: --image_size must be a whole number from 32 to 4096, found 16/,
  ],
  [["--on_bad=ignore"], /^Cannot read --on_bad: expected one of error, skip, found "ignore"/],
  [
    ["--resume=a", "--lr=1"],
    /^Cannot resume: expected only --epochs, .*--on_bad, --autotune, --ngpu, .*--logs beside --resume, found --lr/,
  ],
  [
    ["--evaluate=a", "--depth=18"],
    /^Cannot evaluate: expected only --imagenetpath, .*found --depth/,
  ],
];

Deno.test("parseImageNet: what is wrong, or cannot go together, is one line and exit code 2", () => {
  for (const [argv, message] of REFUSED) {
    const isAlone = argv.length === 0 || argv.some((flag) => /resume|evaluate/.test(flag));
    assert.match(refuses(...(isAlone ? [] : [FOLDER]), ...argv), message);
  }
});

Deno.test("parseImageNet: --resume, --evaluate and --profile", () => {
  assert.deepEqual(parseImageNet(["--resume=a", "--epochs=9", "--nthread=1"]), {
    kind: "resume",
    run: "a",
    logs: resolve("logs"),
    changes: { epochs: 9, nthread: 1 },
  });
  assert.deepEqual(parseImageNet(["--evaluate=a.pth", FOLDER, "--batch-size=8", "--take=ema"]), {
    kind: "evaluate",
    target: "a.pth",
    logs: resolve("logs"),
    changes: { imagenetpath: "/photos", batch_size: 8, take: "ema" },
    settings: { ...DEFAULTS, imagenetpath: "/photos", batch_size: 8, take: "ema" },
  });
  assert.equal(parseImageNet([FOLDER, "--profile"]).kind, "profile");
});

Deno.test("parseImageNet: --help names every flag, and what batch normalisation sees of --accumulate", () => {
  const command = parseImageNet(["--help"]);
  assert.ok(command.kind === "print");
  for (const name of Object.keys(IMAGENET_DEFAULTS)) {
    const shown = name === "teacher_params" ? "teacher" : name;
    assert.ok(command.text.includes(`--${shown} `) || command.text.includes(`--${shown}\n`), name);
  }
  assert.match(
    command.text.replaceAll(/\s+/g, " "),
    /batch normalisation then sees each batch by itself/,
  );
});
