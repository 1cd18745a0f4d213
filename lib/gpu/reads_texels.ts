import source from "../../kernels/sum.wgsl" with { type: "text" };
import type { Gpu } from "./device.ts";
import { gridFor, Kernel } from "./kernel.ts";
import { Program } from "./program.ts";
import { NANOSECOND } from "./tick.ts";
import { timeOnGpu } from "./timer.ts";

const kernel = new Kernel("sum", source);
/** What is added up: nothing but loads. */
const SIZES = { rows: 64, quads: 512, chunk: 64 };
/** How many times as fast loads must be: a tensor that is read through a texture must first be copied there. */
const WORTH = 2;

/** What was found out of adapters. */
const known = new Map<string, Promise<boolean>>();

/**
 * Whether programs read tensors through textures: on a software adapter that loads them faster from there. Mesa's
 * llvmpipe does: it serves a load from a buffer lane by lane, one from a storage texture with whole vectors. Measured
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
  using x = gpu.zeros([SIZES.rows, 4 * SIZES.quads], { label: "texels.x" });
  using y = gpu.zeros([4 * SIZES.quads], { label: "texels.y" });
  const record = (texels: boolean) =>
    Program.record(gpu, {
      label: "texels",
      texels,
      build: () => {
        const grid = gridFor(SIZES.quads, 64);
        kernel.dispatch("columns", { read: [x], write: [y], constants: SIZES, grid });
        return null;
      },
    });
  using buffer = await record(false);
  using texture = await record(true);
  const [slow = [], fast = []] = await timeOnGpu(gpu, [buffer, texture], {
    samples: 15,
    seconds: 0,
    tick: NANOSECOND, // whatever it is: the two are only compared
  });
  // The best of each: what else the machine does only ever adds to what a kernel takes.
  return Math.min(...slow) > WORTH * Math.min(...fast);
}
