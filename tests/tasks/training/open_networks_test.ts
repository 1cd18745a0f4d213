import assert from "node:assert/strict";
import type { Gpu } from "../../../lib/gpu/device.ts";
import { foldedResNet } from "../../../lib/models/folded_resnet.ts";
import type { Model } from "../../../lib/models/model.ts";
import { resNet } from "../../../lib/models/resnet.ts";
import { resNetBlocks, resNetWidths } from "../../../lib/models/resnet_sizes.ts";
import type { Networks } from "../../../lib/train/run_kind.ts";
import { CIFAR_DEFAULTS } from "../../../lib/train/settings/cifar_settings.ts";
import { FINETUNE_DEFAULTS } from "../../../lib/train/settings/finetune_settings.ts";
import { IMAGENET_DEFAULTS } from "../../../lib/train/settings/imagenet_settings.ts";
import { writeWeights } from "../../../lib/weights/write_weights.ts";
import { CIFAR_TASK, makeNetwork } from "../../../tasks/training/cifar_task.ts";
import { FINETUNE_TASK } from "../../../tasks/training/finetune_task.ts";
import { IMAGENET_TASK } from "../../../tasks/training/imagenet_task.ts";
import { writeCheckpoint } from "../../support/checkpoint.ts";
import { testGpu } from "../../support/gpu.ts";
import { assertSameTensors } from "../../support/same_tensors.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const CLASSES = 4;
const FRESH = { classes: CLASSES, resumed: null };
const NARROW = { depth: 10, width: 0.25 };
const THIN = { depth: 18, width: 1 / 16 };

/** Where a run's weights come from. */
interface Sources {
  readonly init: string;
  readonly teacher: string;
  readonly take: string;
  readonly logs: string;
}

/** How each task makes its networks, and one that it can start from. */
const TASKS: Readonly<
  Record<string, {
    readonly open: (gpu: Gpu, sources: Sources) => Promise<Networks>;
    readonly make: (gpu: Gpu, seed: number) => Model;
  }>
> = {
  cifar: {
    open: (gpu, { teacher: teacher_id, ...rest }) =>
      CIFAR_TASK.openNetworks(gpu, { ...CIFAR_DEFAULTS, ...NARROW, ...rest, teacher_id }, FRESH),
    make: (gpu, seed) =>
      makeNetwork(gpu, { ...CIFAR_DEFAULTS, ...NARROW, seed }, { classes: CLASSES }),
  },
  imagenet: {
    open: (gpu, { teacher: teacher_params, ...rest }) =>
      IMAGENET_TASK.openNetworks(
        gpu,
        { ...IMAGENET_DEFAULTS, ...THIN, ...rest, teacher_params },
        FRESH,
      ),
    make: (gpu, seed) =>
      resNet(gpu, {
        blocks: resNetBlocks(THIN.depth),
        widths: resNetWidths(THIN.width),
        stem: 64,
        classes: CLASSES,
        seed,
      }),
  },
  finetune: {
    open: (gpu, sources) =>
      FINETUNE_TASK.openNetworks(
        gpu,
        { ...FINETUNE_DEFAULTS, ...sources, keep_head: true },
        FRESH,
      ),
    make: (gpu, seed) =>
      foldedResNet(gpu, {
        blocks: [1, 1, 1, 1],
        widths: [4, 4, 8, 8],
        stem: 4,
        classes: CLASSES,
        seed,
      }),
  },
};

for (const [task, { open, make }] of Object.entries(TASKS)) {
  Deno.test(`openNetworks: ${task} takes the part of its files that is asked for, and all of a run`, async () => {
    await using root = await tempFolder();
    const logs = `${root.path}/logs`;
    await Deno.mkdir(`${logs}/run`, { recursive: true });
    const gpu = await testGpu();
    using trained = make(gpu, 1);
    using averaged = make(gpu, 2);
    const state_dict = await trained.parameters.save();
    const model_ema = await averaged.parameters.save();
    const file = `${root.path}/checkpoint.pth`;
    await writeCheckpoint(file, { state_dict, model_ema });
    await writeWeights(`${logs}/run/model.safetensors`, state_dict);
    for (
      const [teacher, take, taken, taught] of [
        [file, "", state_dict, state_dict],
        [file, "model_ema", model_ema, model_ema],
        ["run", "model_ema", model_ema, state_dict],
      ] as const
    ) {
      const networks = await open(gpu, { init: file, teacher, take, logs });
      using model = networks.model;
      using taughtBy = networks.teacher;
      assertSameTensors(await model.parameters.save(), taken);
      assert.ok(taughtBy !== null);
      assertSameTensors(await taughtBy.parameters.save(), taught);
    }
  });
}
