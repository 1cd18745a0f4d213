import type { Gpu } from "../../lib/gpu/device.ts";
import type { Model } from "../../lib/models/model.ts";
import { networkInNetwork } from "../../lib/models/nin.ts";
import { NIN_WIDTHS } from "../../lib/models/nin_sizes.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { groupWidths } from "../../lib/models/wide_resnet_sizes.ts";
import { CIFAR_KIND } from "../../lib/train/cifar_kind.ts";
import { readCifarSettings } from "../../lib/train/settings/read_cifar_settings.ts";
import {
  CIFAR_DEFAULTS,
  cifarRunName,
  type CifarSettings,
} from "../../lib/train/settings/cifar_settings.ts";
import { openData } from "./open_data.ts";
import { openTeacher } from "./open_teacher.ts";
import type { RunTask } from "./run_task.ts";
import { initialise } from "./training_run.ts";

/** What `deno task cifar` does. */
export const CIFAR_TASK: RunTask<CifarSettings> = {
  command: "deno task cifar",
  kind: CIFAR_KIND,
  defaults: CIFAR_DEFAULTS,
  tellsTopFive: false,
  readSettings: readCifarSettings,
  nameRun: cifarRunName,
  weights: ({ teacher_id }) => [teacher_id],
  openImages: async (settings) => ({
    data: await openData(settings),
    skipped: new Map(),
    [Symbol.dispose]: () => {},
  }),
  async openNetworks(gpu, settings, { classes, resumed }) {
    const { teacher_id, logs, take } = settings;
    const teacher = await openTeacher(gpu, { teacher_id, logs, take, classes });
    const model = makeNetwork(gpu, settings, { classes });
    if (resumed === null) await initialise(model, settings);
    return { model, teacher };
  },
};

/** Makes the network that the settings describe, with fresh weights. */
export function makeNetwork(
  gpu: Gpu,
  { model, depth, width, no_bn, no_pool_relu, seed }: Readonly<CifarSettings>,
  { classes }: { classes: number },
): Model {
  if (model === "wrn") return wideResNet(gpu, { depth, widths: groupWidths(width), classes, seed });
  const widths = NIN_WIDTHS[model === "nin-wide" ? "wide" : "thin"];
  const shape = { batchNorm: !no_bn, reluBeforePool: !no_pool_relu };
  return networkInNetwork(gpu, { widths, classes, seed, ...shape });
}
