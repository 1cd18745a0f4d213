import source from "../../../kernels/conv2d/rows.wgsl" with { type: "text" };
import weightGradientSource from "../../../kernels/conv2d/rows_weight_gradient.wgsl" with {
  type: "text",
};
import type { Gpu } from "../../gpu/device.ts";
import { type Constants, type Grid, gridFor, Kernel, split } from "../../gpu/kernel.ts";
import { quadsOf } from "../../gpu/layout.ts";
import { constantsOf, flopOf, type Geometry, reversed } from "./geometry.ts";
import { runParts } from "./parts.ts";
import type { ForwardJob, InputGradientJob, Variant, WeightGradientJob } from "./variant.ts";

const kernel = new Kernel("conv2d/rows", source);
const weightGradientKernel = new Kernel("conv2d/rows_weight_gradient", weightGradientSource);

const TILE_PIXELS = 8;
const TILE_QUADS = 4;

/** Eight lanes hand their loads around, and the kernel knows rows of one and three taps at strides 1 and 2. */
function fits({ hasSubgroups }: Gpu, { w, stride, padding }: Geometry): boolean {
  const [height, width] = w;
  return hasSubgroups && (width === 1 || width === 3) && stride <= 2 && padding < width &&
    padding < height;
}

/** Loads cost most on a software adapter; a result of few pixels or channels would leave most of a tile empty. */
function suits({ adapter }: Gpu, { width, channels }: { width: number; channels: number }) {
  return adapter.isSoftware && 2 * width > TILE_PIXELS && 2 * quadsOf(channels) > TILE_QUADS;
}

/** Whether a last tile of 32 channels would not stand half empty. */
function fillsWideTiles(channels: number): boolean {
  return (quadsOf(channels) - 1) % (2 * TILE_QUADS) >= TILE_QUADS;
}

function gridOver(tiles: number, columns: number): Grid {
  const [x, y = 1] = gridFor(tiles, 64);
  return [x, y, columns];
}

/** Constants and grid of the kernel's forward pass over a result. */
function forwardTiles(
  [n, height, width, channels]: Geometry["y"],
  { wide }: { wide: boolean },
): { constants: Constants; grid: Grid } {
  const quads = wide ? 2 * TILE_QUADS : TILE_QUADS;
  const tiles = n * height * Math.ceil(width / TILE_PIXELS);
  return {
    constants: { wide: wide ? 1 : 0 },
    grid: gridOver(tiles, Math.ceil(quadsOf(channels) / quads)),
  };
}

function forward({ wide }: { wide: boolean }): Variant<ForwardJob> {
  return {
    name: wide ? "rows32" : "rows16",
    kernels: [kernel],
    fits,
    suits: (gpu, { y }) =>
      suits(gpu, { width: y[2], channels: y[3] }) && wide === fillsWideTiles(y[3]),
    run({ geometry, x, w, bias, y }) {
      const { constants, grid } = forwardTiles(geometry.y, { wide });
      kernel.dispatch("forward", {
        read: [x, w, bias ?? w, x],
        write: [y],
        constants: { ...constantsOf(geometry), ...constants, biased: bias === null ? 0 : 1 },
        flop: flopOf(geometry),
        grid,
      });
    },
  };
}

/** Eight pixels by sixteen or by thirty-two channels an invocation. */
export const rowsForward = [forward({ wide: true }), forward({ wide: false })];

function inputGradient({ wide }: { wide: boolean }): Variant<InputGradientJob> {
  return {
    name: wide ? "rows32" : "rows16",
    kernels: [kernel],
    fits: (gpu, geometry) => fits(gpu, geometry) && (!wide || geometry.stride === 1),
    suits: (gpu, { x, stride }) =>
      suits(gpu, { width: x[2] / stride, channels: x[3] }) &&
      wide === (stride === 1 && fillsWideTiles(x[3])),
    run({ geometry, dy, w, dx }) {
      const { stride, padding } = geometry;
      const common = { ...constantsOf(reversed(geometry)), turned: 1 };
      const io = { read: [dy, w, w, dy], write: [dx], flop: flopOf(geometry) };
      if (stride === 1) {
        const { constants, grid } = forwardTiles(geometry.x, { wide });
        kernel.dispatch("forward", {
          ...io,
          constants: { ...common, ...constants, padding: geometry.w[0] - 1 - padding },
          grid,
        });
        return;
      }
      const [n, height, width, inputs] = geometry.x;
      const tiles = n * Math.ceil(height / 2) * Math.ceil(width / (2 * TILE_PIXELS));
      const kinds = 4 * Math.ceil(quadsOf(inputs) / TILE_QUADS);
      kernel.dispatch("input_gradient", {
        ...io,
        constants: common,
        grid: gridOver(tiles, kinds),
      });
    },
  };
}

/** Eight pixels by sixteen or, at stride 1, by thirty-two channels an invocation. */
export const rowsInputGradient = [inputGradient({ wide: true }), inputGradient({ wide: false })];

const TARGET_INVOCATIONS = 1024;

/** All nine taps of four by sixteen channels an invocation. */
export const rowsWeightGradient: Variant<WeightGradientJob> = {
  name: "rows",
  kernels: [weightGradientKernel],
  fits: (gpu, geometry) => fits(gpu, geometry) && geometry.w[0] === 3 && geometry.w[1] === 3,
  suits: (gpu, { y }) => suits(gpu, { width: y[2], channels: y[3] }),
  run({ geometry, x, dy, dw }) {
    const inQuads = quadsOf(geometry.w[2]);
    const across = inQuads > 4 ? 8 : 4;
    const tiles = Math.ceil(quadsOf(geometry.w[3]) / TILE_QUADS) * Math.ceil(inQuads / across);
    const parts = split(geometry.y[0] * geometry.y[1], {
      least: 1,
      most: Math.ceil(TARGET_INVOCATIONS / (tiles * across)),
    });
    const { kernel_height: _h, kernel_width: _w, ...constants } = constantsOf(geometry);
    runParts(dw, parts, (partial) =>
      weightGradientKernel.dispatch("weight_gradient", {
        read: [x, dy],
        write: [partial],
        constants: { ...constants, across, ...parts },
        flop: flopOf(geometry),
        grid: gridFor(tiles * Math.ceil(parts.chunks / (8 / across)) * 8, 64),
      }));
  },
};
