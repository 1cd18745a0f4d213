import source from "../../../kernels/conv2d/stem.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../../gpu/kernel.ts";
import { addAndRectifyInStore } from "../epilogue.ts";
import { constantsOf, flopOf } from "./geometry.ts";
import { rowsForward, rowsInputGradient } from "./rows.ts";
import type { InputGradientJob, Variant } from "./variant.ts";

const kernel = new Kernel("conv2d/stem", source);

const TILE_WIDTH = 16;
const TILE_HEIGHT = 2;
const LANES = 64;

/** For at most four channels and 7x7 at stride 2, two rows of sixteen pixels: each load of dy serves fourteen taps. */
export const stemInputGradient: Variant<InputGradientJob> = {
  name: "stem",
  isForSoftware: true,
  kernels: [kernel],
  fits(gpu, geometry) {
    const [kernelHeight, kernelWidth, inputs] = geometry.w;
    return rowsForward.fits(gpu, geometry) && geometry.stride === 2 && kernelHeight === 7 &&
      kernelWidth === 7 && inputs <= 4 && geometry.padding % 2 === 1;
  },
  suits: rowsInputGradient.suits,
  run({ geometry, dy, w, dx }) {
    const [n, height, width, inputs] = geometry.x;
    const { in_quads: _i, kernel_height: _h, kernel_width: _w, stride: _s, ...constants } =
      constantsOf(geometry);
    const tiles = n * Math.ceil(height / TILE_HEIGHT) * Math.ceil(width / TILE_WIDTH);
    kernel.dispatch("input_gradient", {
      read: [dy, w, dy],
      fusion: { absorb: addAndRectifyInStore },
      write: [dx],
      constants: { ...constants, in_channels: inputs },
      flop: flopOf(geometry),
      grid: gridFor(tiles, LANES),
    });
  },
};
