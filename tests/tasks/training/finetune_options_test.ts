import assert from "node:assert/strict";
import { resolve } from "node:path";
import {
  FINETUNE_DEFAULTS,
  type FinetuneSettings,
} from "../../../lib/train/settings/finetune_settings.ts";
import { readFinetuneSettings } from "../../../lib/train/settings/read_finetune_settings.ts";
import { parseFinetune } from "../../../tasks/training/finetune_options.ts";
import { UsageError } from "../../../tasks/command_line/flags.ts";

/** The defaults, with whole paths. */
const DEFAULTS = { ...FINETUNE_DEFAULTS, logs: resolve(FINETUNE_DEFAULTS.logs) };

const NEEDED = ["--data=/birds", "--student=a.hkl"];

function settingsOf(...argv: string[]): FinetuneSettings {
  const command = parseFinetune([...NEEDED, ...argv]);
  assert.ok(command.kind === "train");
  return command.settings;
}

Deno.test("parseFinetune: the set and the student are needed, the rest is the paper's or ours", () => {
  assert.deepEqual(settingsOf(), { ...DEFAULTS, data: "/birds", init: "a.hkl" });
  assert.deepEqual(settingsOf("--init=b.npz"), { ...settingsOf(), init: "b.npz" });
  const { taps, freeze, crop, keep_head } = settingsOf();
  assert.deepEqual([taps, freeze, crop, keep_head], [[2, 3], 1, "random", false]);
});

Deno.test("parseFinetune: its own flags set their settings, and config.json gives them back", () => {
  const given = {
    teacher: "cub_34",
    crop: "resized",
    freeze: 2,
    keep_head: true,
    take: "model_ema",
    taps: [2],
    beta: 1000,
    alpha: 0.9,
    accumulate: 4,
  } as const;
  const found = settingsOf(
    ...["--teacher=cub_34", "--crop=resized", "--freeze=2", "--keep-head", "--taps=2"],
    ...["--beta=1e3", "--alpha=.9", "--accumulate=4", "--take=model_ema"],
  );
  assert.deepEqual(found, { ...settingsOf(), ...given, taps: [2] });
  assert.deepEqual(readFinetuneSettings(JSON.parse(JSON.stringify(found)), "config.json"), found);
  const { take: _take, ...earlier } = found;
  assert.deepEqual(readFinetuneSettings(earlier, "config.json"), { ...found, take: "" });
  assert.throws(
    () => readFinetuneSettings({ ...found, crop: "centre" }, "c"),
    /^TypeError: Cannot read c: expected one of random, resized as crop, found "centre"$/,
  );
});

const REFUSED: readonly [argv: string[], message: RegExp][] = [
  [["--student=a.hkl"], /^Cannot fine-tune: wanted --data with a folder of images, found none$/],
  [["--data=/birds"], /^Cannot fine-tune: wanted --student with a pretrained .*, found none$/],
  [[...NEEDED, "--beta=10"], /^Cannot train: --beta above 0 learns from a teacher, .*--teacher$/],
  [
    [...NEEDED, "--teacher=b", "--beta=1", "--taps=0,3"],
    /^Cannot train: --taps must be groups that --freeze leaves to train, found 0 and --freeze 1$/,
  ],
  [
    [...NEEDED, "--teacher=b", "--beta=1", "--freeze=3"],
    /^Cannot train: --taps must be groups that --freeze leaves to train, found 2 and --freeze 3$/,
  ],
  [
    [...NEEDED, "--freeze=5"],
    /^Cannot train: --freeze must be a whole number from 0 to 4, found 5/,
  ],
  [[...NEEDED, "--crop=center"], /^Cannot read --crop: expected one of random, resized, found/],
  [[...NEEDED, "--accumulate=3"], /^Cannot train: --accumulate must divide --batch_size 32, found/],
  [
    ["--resume=a", "--student=b"],
    /^Cannot resume: expected only --epochs, --max_steps, --log_every, --on_nonfinite, --data, .*, found --init;/,
  ],
  [["--evaluate=a", "--freeze=0"], /^Cannot evaluate: expected only --data, .*found --freeze/],
];

Deno.test("parseFinetune: what is wrong, or cannot go together, is one line and exit code 2", () => {
  for (const [argv, message] of REFUSED) {
    assert.throws(() => parseFinetune(argv), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return !error.message.includes("\n");
    });
  }
});

Deno.test("parseFinetune: a frozen group is no matter where no attention is learned", () => {
  assert.equal(settingsOf("--freeze=4").freeze, 4);
  assert.equal(settingsOf("--freeze=4", "--teacher=b", "--alpha=.5").freeze, 4);
});

Deno.test("parseFinetune: --resume, --evaluate and --profile", () => {
  assert.deepEqual(parseFinetune(["--resume=a", "--data=/moved"]), {
    kind: "resume",
    run: "a",
    logs: resolve("logs"),
    changes: { data: "/moved" },
  });
  assert.deepEqual(parseFinetune(["--evaluate=a.pth", "--data=/birds", "--take=ema"]), {
    kind: "evaluate",
    target: "a.pth",
    logs: resolve("logs"),
    changes: { data: "/birds", take: "ema" },
    settings: { ...DEFAULTS, data: "/birds", take: "ema" },
  });
  assert.equal(parseFinetune([...NEEDED, "--profile"]).kind, "profile");
});

Deno.test("parseFinetune: --help names every flag, and says what the paper does not", () => {
  const command = parseFinetune(["--help"]);
  assert.ok(command.kind === "print");
  for (const name of Object.keys(FINETUNE_DEFAULTS)) {
    const shown = name === "init" ? "student" : name;
    assert.ok(command.text.includes(`--${shown} `) || command.text.includes(`--${shown}\n`), name);
  }
  assert.match(command.text, /gives no learning rate, batch size, epochs, weight decay or beta/);
});
