import source from "../../../kernels/conv2d/rows.wgsl" with { type: "text" };
import weightGradientSource from "../../../kernels/conv2d/rows_weight_gradient.wgsl" with {
  type: "text",
};
import type { Gpu } from "../../gpu/device.ts";
import {
  type Constants,
  type Extended,
  type Grid,
  gridFor,
  Kernel,
  type Pair,
  split,
} from "../../gpu/kernel.ts";
import { quadsOf } from "../../gpu/layout.ts";
import { momentsInStore } from "../batch_norm.ts";
import { addAndRectifyInStore } from "../epilogue.ts";
import { constantsOf, flopOf, type Geometry, IMAGE_SIZES, reversed } from "./geometry.ts";
import { runParts } from "./parts.ts";
import type { ForwardJob, InputGradientJob, Variant, WeightGradientJob } from "./variant.ts";

const kernel = new Kernel("conv2d/rows", source, [...IMAGE_SIZES, "kernel_height"]);
const weightGradientKernel = new Kernel("conv2d/rows_weight_gradient", weightGradientSource, [
  ...IMAGE_SIZES,
  "chunk",
  "chunks",
]);

const TILE_PIXELS = 8;
const TILE_QUADS = 4;
const SHARING_LANES = 8;

/** Eight lanes hand their loads around, and the kernel knows rows of up to seven taps at strides 1 and 2. */
function fits({ hasSubgroups, adapter }: Gpu, { w, stride, padding }: Geometry): boolean {
  const [height, width] = w;
  return hasSubgroups && adapter.leastSubgroup >= SHARING_LANES && width % 2 === 1 && width <= 7 &&
    stride <= 2 && padding < width &&
    padding < height;
}

/** Loads cost most on a software adapter; a result of few pixels would leave most of a tile empty. */
function suits({ adapter }: Gpu, width: number): boolean {
  return adapter.isSoftware && 2 * width >= TILE_PIXELS;
}

/**
 * The products of Winograd's F(2, 3) are for rows of three taps whose pixels lie side by side. On a single vec4 of inputs
 * they save next to nothing, and their rounding in a network's first layer decides which rectifiers open.
 */
function takesWinograd(gpu: Gpu, geometry: Geometry): boolean {
  const [, width, inputs] = geometry.w;
  return fits(gpu, geometry) && width === 3 && geometry.stride === 1 && quadsOf(inputs) > 1;
}

const LANES = 64;

function gridOver(tiles: number, columns: number): Grid {
  const [x, y = 1] = gridFor(tiles, LANES);
  return [x, y, columns];
}

/** The grid of the kernel's forward pass over a result. */
function forwardGrid([n, height, width, channels]: Geometry["y"]): Grid {
  return gridOver(
    n * height * Math.ceil(width / TILE_PIXELS),
    Math.ceil(quadsOf(channels) / TILE_QUADS),
  );
}

/** How much of a vec4 of inputs and of a tile of outputs is filled: what is empty is left out. */
function filled(inputs: number, outputs: number): Constants {
  return { in_channels: Math.min(4, inputs), tile_quads: Math.min(TILE_QUADS, quadsOf(outputs)) };
}

/** Makes the moments in the store where every invocation has pixels of the result only: a part a workgroup. */
function momentsStore(pair: Pair): Extended | null {
  const tile = LANES * TILE_PIXELS;
  const [n = 0, height = 0, width = 0] = pair.through.shape;
  if (width % TILE_PIXELS !== 0 || n * height * width % tile !== 0) return null;
  return momentsInStore(pair, { tile });
}

function forward(entry: "forward" | "winograd"): Pick<Variant<ForwardJob>, "kernels" | "run"> {
  return {
    kernels: [kernel],
    run: ({ geometry, x, w, bias, y }) =>
      kernel.dispatch(entry, {
        read: [x, w, bias ?? w, x],
        fusion: { absorb: addAndRectifyInStore, extend: momentsStore },
        write: [y],
        constants: {
          ...constantsOf(geometry),
          ...filled(geometry.x[3], geometry.y[3]),
          biased: bias === null ? 0 : 1,
        },
        flop: flopOf(geometry),
        grid: forwardGrid(geometry.y),
      }),
  };
}

/** Eight pixels by sixteen channels an invocation. */
export const rowsForward: Variant<ForwardJob> = {
  ...forward("forward"),
  name: "rows",
  isForSoftware: true,
  fits,
  suits: (gpu, { y }) => suits(gpu, y[2]),
};

/** The same by Winograd's F(2, 3) along x. */
export const winogradForward: Variant<ForwardJob> = {
  ...forward("winograd"),
  name: "winograd",
  isForSoftware: true,
  fits: takesWinograd,
  suits: rowsForward.suits,
};

function inputGradient(
  entry: "forward" | "winograd",
): Pick<Variant<InputGradientJob>, "kernels" | "run"> {
  return {
    kernels: [kernel],
    run({ geometry, dy, w, dx }) {
      const { stride, padding } = geometry;
      const constants = {
        ...constantsOf(reversed(geometry)),
        ...filled(geometry.y[3], geometry.x[3]),
        turned: 1,
      };
      const io = {
        read: [dy, w, w, dy],
        write: [dx],
        flop: flopOf(geometry),
        fusion: { absorb: addAndRectifyInStore },
      };
      if (stride === 1) {
        kernel.dispatch(entry, {
          ...io,
          constants: { ...constants, padding: geometry.w[0] - 1 - padding },
          grid: forwardGrid(geometry.x),
        });
        return;
      }
      const [n, height, width, inputs] = geometry.x;
      const tiles = n * Math.ceil(height / 2) * Math.ceil(width / (2 * TILE_PIXELS));
      kernel.dispatch("input_gradient", {
        ...io,
        constants,
        grid: gridOver(tiles, 4 * Math.ceil(quadsOf(inputs) / TILE_QUADS)),
      });
    },
  };
}

/** Eight pixels by sixteen channels an invocation; at stride 1 a convolution of dy, at stride 2 of up to three taps. */
export const rowsInputGradient: Variant<InputGradientJob> = {
  ...inputGradient("forward"),
  name: "rows",
  isForSoftware: true,
  fits: (gpu, geometry) => fits(gpu, geometry) && (geometry.stride === 1 || geometry.w[1] <= 3),
  suits: (gpu, { x, stride }) => suits(gpu, x[2] / stride),
};

/** The same by Winograd's F(2, 3) along x, at stride 1. */
export const winogradInputGradient: Variant<InputGradientJob> = {
  ...inputGradient("winograd"),
  name: "winograd",
  isForSoftware: true,
  fits: takesWinograd,
  suits: rowsInputGradient.suits,
};

const TARGET_INVOCATIONS = 1024;

/** The outputs of eight lanes: more need fewer loads, and none of a lane's eight should be empty. */
function tileQuadsOf(outQuads: number, across: number, texels: boolean): number {
  if (outQuads <= 2) return 2;
  return !texels && across === 4 && outQuads > TILE_QUADS ? 2 * TILE_QUADS : TILE_QUADS;
}

/** All nine taps of four by eight or sixteen channels an invocation. */
export const rowsWeightGradient: Variant<WeightGradientJob> = {
  name: "rows",
  isForSoftware: true,
  kernels: [weightGradientKernel],
  fits: (gpu, geometry) => fits(gpu, geometry) && geometry.w[0] === 3 && geometry.w[1] === 3,
  suits: (gpu, { y }) => suits(gpu, y[2]),
  run({ geometry, x, dy, dw }) {
    const [inQuads, outQuads] = [quadsOf(geometry.w[2]), quadsOf(geometry.w[3])];
    const across = inQuads === 1 ? 1 : 4;
    const partsTogether = across === 1 ? SHARING_LANES : 1;
    // As for four by eight channels a lane on every adapter: the parts, and with them the bits, are then the same.
    const lanesOfPart = 2 * across * Math.ceil(outQuads / TILE_QUADS) * Math.ceil(inQuads / across);
    const tileQuads = tileQuadsOf(outQuads, across, dw.gpu.recordsTexels);
    const partsOfEight = (tileQuads === 2 ? 2 : 1) * (4 / across);
    const eightsOfParts = Math.ceil(outQuads / tileQuads) * Math.ceil(inQuads / across);
    const rows = geometry.y[0] * geometry.y[1];
    const most = Math.ceil(TARGET_INVOCATIONS / lanesOfPart);
    const { chunk } = split(rows, { least: 4, most });
    const chunks = Math.ceil(rows / (chunk * partsTogether)) * partsTogether;
    const { kernel_height: _h, kernel_width: _w, ...constants } = constantsOf(geometry);
    runParts(dw, { chunk, chunks }, (partial) =>
      weightGradientKernel.dispatch("weight_gradient", {
        read: [x, dy],
        write: [partial],
        constants: {
          ...constants,
          across,
          tile_quads: tileQuads,
          skips: dw.gpu.recordsTexels ? 0 : 1,
          chunk,
          chunks,
        },
        flop: flopOf(geometry),
        grid: gridFor(eightsOfParts * Math.ceil(chunks / partsOfEight) * SHARING_LANES, 64),
      }));
  },
};
