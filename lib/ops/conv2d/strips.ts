import source from "../../../kernels/conv2d/strips.wgsl" with { type: "text" };
import { gridFor, Kernel, split } from "../../gpu/kernel.ts";
import { addAndRectifyInStore } from "../epilogue.ts";
import { constantsOf, flopOf } from "./geometry.ts";
import { rowsInputGradient } from "./rows.ts";
import type { InputGradientJob, Variant } from "./variant.ts";

const kernel = new Kernel("conv2d/strips", source);

const STRIP_WIDTH = 8;
/** A strip goes over two rows of dy besides its own; longer strips are too few in a small batch. */
const LEAST_ROWS = 16;
const LANES = 8;

/** For at most four channels, strips eight pixels wide: each load of dy serves all nine taps. */
export const stripsInputGradient: Variant<InputGradientJob> = {
  name: "strips",
  isForSoftware: true,
  kernels: [kernel],
  fits(gpu, geometry) {
    const [kernelHeight, kernelWidth, inputs] = geometry.w;
    return rowsInputGradient.fits(gpu, geometry) && geometry.stride === 1 &&
      kernelHeight === 3 && kernelWidth === 3 && inputs <= 4;
  },
  suits: rowsInputGradient.suits,
  run({ geometry, dy, w, dx }) {
    const [n, height, width, inputs] = geometry.x;
    const { in_quads: _i, kernel_height: _h, kernel_width: _w, stride: _s, ...constants } =
      constantsOf(geometry);
    const { chunk: rows, chunks } = split(height, { least: LEAST_ROWS, most: height });
    kernel.dispatch("input_gradient", {
      read: [dy, w, dy],
      fusion: { absorb: addAndRectifyInStore },
      write: [dx],
      constants: { ...constants, in_channels: inputs, rows },
      flop: flopOf(geometry),
      grid: gridFor(n * chunks * Math.ceil(width / STRIP_WIDTH), LANES),
    });
  },
};
