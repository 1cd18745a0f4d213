import { fixedInFineTuning } from "../../lib/models/fine_tuning.ts";
import { FINETUNE_KIND } from "../../lib/train/finetune_kind.ts";
import {
  FINETUNE_DEFAULTS,
  finetuneRunName,
  type FinetuneSettings,
} from "../../lib/train/settings/finetune_settings.ts";
import { readFinetuneSettings } from "../../lib/train/settings/read_finetune_settings.ts";
import { findWeights, openTeacher, openWeights } from "./open_teacher.ts";
import type { RunTask } from "./run_task.ts";
import { openStreamed } from "./streamed_data.ts";

/** What `deno task finetune` does. */
export const FINETUNE_TASK: RunTask<FinetuneSettings> = {
  command: "deno task finetune",
  kind: FINETUNE_KIND,
  defaults: FINETUNE_DEFAULTS,
  tellsTopFive: true,
  readSettings: readFinetuneSettings,
  nameRun: finetuneRunName,
  openImages: (settings, options) =>
    openStreamed({ flag: "data", folder: settings.data, crop: settings.crop }, settings, options),
  weights: ({ init, teacher }, { resumed }) => [resumed ?? init, teacher],
  async openNetworks(gpu, settings, { classes, resumed }) {
    const { init, teacher: teacher_id, logs, take, alpha, seed, freeze, keep_head } = settings;
    // Attention can be learned from a teacher of other classes, logits cannot.
    const wanted = alpha > 0 ? { classes } : {};
    const teacher = await openTeacher(gpu, { teacher_id, logs, take, ...wanted });
    const keepsHead = keep_head || resumed !== null;
    const model = await openWeights(gpu, await findWeights(resumed ?? init, { logs }), {
      take,
      fixed: fixedInFineTuning({ groups: freeze }),
      ...(keepsHead ? {} : { head: { classes, seed } }),
    });
    if (model.classes !== classes) {
      throw new TypeError(
        `Cannot fine-tune ${init} with --keep_head: its head must tell ${classes} classes apart, found ${model.classes}`,
      );
    }
    const groups = model.tapChannels.length;
    if (freeze <= groups) return { model, teacher };
    throw new RangeError(
      `Cannot fine-tune ${init}: --freeze must be at most ${groups}, the groups of ${model.name}, found ${freeze}`,
    );
  },
};
