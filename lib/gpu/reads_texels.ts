import source from "../../kernels/ceilings.wgsl" with { type: "text" };
import type { Gpu } from "./device.ts";
import { gridFor, Kernel } from "./kernel.ts";
import { Program } from "./program.ts";
import { summarise } from "./summary.ts";
import { timeOnGpu } from "./timer.ts";

const kernel = new Kernel("ceilings", source);
const QUADS = 2 ** 13;
/** How many times as fast a copy must be through texels: a tensor that is read there must first be copied. */
const WORTH = 1.5;

/** What was found out of adapters. */
const known = new Map<string, Promise<boolean>>();

/**
 * Whether programs read tensors through textures: on a software adapter that loads them faster from there. Mesa's
 * llvmpipe does: it serves a load from a buffer lane by lane, one from a texture by the processor's gathers. Measured
 * once an adapter, in some milliseconds.
 */
export function readsTexels(gpu: Gpu): Promise<boolean> {
  const { isSoftware, identity } = gpu.adapter;
  if (!isSoftware) return Promise.resolve(false);
  const found = known.get(identity) ?? loadsTexelsFaster(gpu);
  known.set(identity, found);
  return found;
}

async function loadsTexelsFaster(gpu: Gpu): Promise<boolean> {
  using x = gpu.zeros([4 * QUADS], { label: "texels.x" });
  using y = gpu.zeros([4 * QUADS], { label: "texels.y" });
  const record = (texels: boolean) =>
    Program.record(gpu, {
      label: "texels",
      texels,
      build: () => {
        const constants = { quads: QUADS };
        kernel.dispatch("copy", { read: [x], write: [y], constants, grid: gridFor(QUADS, 64) });
        return null;
      },
    });
  using buffer = await record(false);
  using texture = await record(true);
  const times = await timeOnGpu(gpu, [buffer, texture], { samples: 5, seconds: 0 });
  const [slow = NaN, fast = NaN] = times.map((took) => summarise(took).median);
  return slow > WORTH * fast;
}
