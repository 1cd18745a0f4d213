import { checkAccumulation, STREAMED_RULES } from "./check_streamed_settings.ts";
import { CROPS, FINETUNE_DEFAULTS, type FinetuneSettings } from "./finetune_settings.ts";
import { checkRules, groupsBelow, oneOf, type Rules, whole } from "./rules.ts";
import { checkTransfer } from "./transfer_rules.ts";

const GROUPS = 4;

const RULES: Rules<FinetuneSettings> = {
  ...STREAMED_RULES,
  taps: groupsBelow(GROUPS),
  grad_bn: {
    wanted: "eval, since fine-tuning leaves batch normalisation as it is",
    holds: (which) => which === "eval",
    nearest: () => "eval",
  },
  crop: oneOf(CROPS),
  freeze: whole(0, GROUPS),
};

/**
 * Checks that fine-tuning can be started with these settings.
 *
 * @param settings The settings, defaults filled in.
 * @throws {RangeError} If a value is out of its range, or two cannot go together.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { FINETUNE_DEFAULTS } from "./finetune_settings.ts";
 *
 * checkFinetuneSettings(FINETUNE_DEFAULTS);
 * const wrong = { ...FINETUNE_DEFAULTS, teacher: "resnet-34.pth", beta: 1000, freeze: 3 };
 * assert.throws(() => checkFinetuneSettings(wrong), /--taps must be groups that --freeze leaves/);
 * ```
 */
export function checkFinetuneSettings(settings: Readonly<FinetuneSettings>): void {
  checkRules(settings, { rules: RULES, defaults: FINETUNE_DEFAULTS });
  checkTransfer(settings, {
    defaults: FINETUNE_DEFAULTS,
    hasTeacher: settings.teacher !== "",
    hint: "name a weights file or a run with --teacher",
  });
  checkAccumulation(settings);
  const { beta, fact_beta, freeze, taps } = settings;
  const frozen = (taps ?? Array.from({ length: GROUPS }, (_, tap) => tap))
    .find((tap) => tap < freeze);
  if (beta + fact_beta === 0 || frozen === undefined) return;
  throw new RangeError(
    `Cannot train: --taps must be groups that --freeze leaves to train, found ${frozen} and --freeze ${freeze}`,
  );
}
