import source from "../../../kernels/conv2d/taps_weight_gradient.wgsl" with { type: "text" };
import { gridFor, Kernel, split } from "../../gpu/kernel.ts";
import { quadsOf } from "../../gpu/layout.ts";
import { constantsOf, flopOf } from "./geometry.ts";
import { runParts } from "./parts.ts";
import { rowsForward } from "./rows.ts";
import type { Variant, WeightGradientJob } from "./variant.ts";

const kernel = new Kernel("conv2d/taps_weight_gradient", source);

const TILE_QUADS = 4;
const LANES = 8;
const TARGET_WORKGROUPS = 64;

/** For rows of five and seven taps: a row of taps of four by sixteen channels an invocation. */
export const tapsWeightGradient: Variant<WeightGradientJob> = {
  name: "taps",
  isForSoftware: true,
  kernels: [kernel],
  fits(gpu, geometry) {
    const [height, width] = geometry.w;
    return rowsForward.fits(gpu, geometry) && width > 3 && height <= LANES;
  },
  suits: rowsForward.suits,
  run({ geometry, x, dy, dw }) {
    const [, , inputs, outputs] = geometry.w;
    const tiles = quadsOf(inputs) * Math.ceil(quadsOf(outputs) / TILE_QUADS);
    const parts = split(geometry.y[0] * geometry.y[1], {
      least: 4,
      most: Math.ceil(TARGET_WORKGROUPS / tiles),
    });
    runParts(dw, parts, (partial) =>
      kernel.dispatch("weight_gradient", {
        read: [x, dy],
        write: [partial],
        constants: { ...constantsOf(geometry), in_channels: inputs, ...parts },
        flop: flopOf(geometry),
        grid: gridFor(tiles * parts.chunks, 1),
      }));
  },
};
