import source from "../../../kernels/conv2d/gemm.wgsl" with { type: "text" };
import weightGradientSource from "../../../kernels/conv2d/gemm_weight_gradient.wgsl" with {
  type: "text",
};
import type { Gpu } from "../../gpu/device.ts";
import { type Constants, type Grid, gridFor, Kernel, split } from "../../gpu/kernel.ts";
import { quadsOf } from "../../gpu/layout.ts";
import { momentsInStore } from "../batch_norm.ts";
import { addAndRectifyInStore } from "../epilogue.ts";
import { constantsOf, flopOf, type Geometry, reversed } from "./geometry.ts";
import { runParts } from "./parts.ts";
import type { ForwardJob, InputGradientJob, Variant, WeightGradientJob } from "./variant.ts";

const kernel = new Kernel("conv2d/gemm", source);
const weightGradientKernel = new Kernel("conv2d/gemm_weight_gradient", weightGradientSource);

/** Channels of a workgroup's tile; narrower tiles have more pixels. */
const TILES = [16, 32, 64] as const;

type TileChannels = typeof TILES[number];

/** Numbers that a workgroup's tile adds up: pixels times vec4s of channels. */
const TILE_AREA = 1024;

/** The narrowest tile that holds all channels, the widest where none does. */
function bestTile(channels: number): TileChannels {
  return TILES.find((tile) => channels <= tile) ?? 64;
}

/** A software adapter gains nothing from workgroup memory. */
function suits({ adapter }: Gpu, { tile, channels }: { tile: TileChannels; channels: number }) {
  return !adapter.isSoftware && tile === bestTile(channels);
}

const fits = () => true;

/** What a number of the result adds up: vec4s of the channels of what is read, for every tap. */
function termsOf({ w: [height, width] }: Geometry, channels: number): number {
  return height * width * quadsOf(channels);
}

/** The most terms at a time, up to four, that leave at most a tenth of the work to terms past the end. */
function depthOf(terms: number): number {
  return [4, 3, 2].find((depth) => depth * Math.ceil(terms / depth) <= 1.1 * terms) ?? 1;
}

/** Constants and grid of a product whose result has these sizes. */
function tilesOf(
  [n, height, width, channels]: Geometry["y"],
  { tile, terms }: { tile: TileChannels; terms: number },
): { constants: Constants; grid: Grid } {
  const tile_quads = quadsOf(tile);
  const [x, y = 1] = gridFor(n * height * width, TILE_AREA / tile_quads);
  return {
    constants: { tile_quads, depth: depthOf(terms) },
    grid: [x, y, Math.ceil(quadsOf(channels) / tile_quads)],
  };
}

/** Products of matrices through workgroup memory, for each width of tile. */
export const gemmForward = TILES.map((tile): Variant<ForwardJob> => ({
  name: `gemm${tile}`,
  kernels: [kernel],
  fits,
  suits: (gpu, { y }) => suits(gpu, { tile, channels: y[3] }),
  run({ geometry, x, w, bias, y }) {
    const { constants, grid } = tilesOf(geometry.y, {
      tile,
      terms: termsOf(geometry, geometry.x[3]),
    });
    kernel.dispatch("forward", {
      read: [x, w, bias ?? w, x],
      fusion: {
        absorb: addAndRectifyInStore,
        extend: (pair) => momentsInStore(pair, { tile: TILE_AREA / quadsOf(tile) }),
      },
      write: [y],
      constants: { ...constantsOf(geometry), ...constants, biased: bias === null ? 0 : 1 },
      flop: flopOf(geometry),
      grid,
    });
  },
}));

/** The same for the input gradient. */
export const gemmInputGradient = TILES.map((tile): Variant<InputGradientJob> => ({
  name: `gemm${tile}`,
  kernels: [kernel],
  fits,
  suits: (gpu, { x }) => suits(gpu, { tile, channels: x[3] }),
  run({ geometry, dy, w, dx }) {
    const { constants, grid } = tilesOf(geometry.x, {
      tile,
      terms: termsOf(geometry, geometry.y[3]),
    });
    kernel.dispatch("forward", {
      read: [dy, w, w, dy],
      fusion: { absorb: addAndRectifyInStore },
      write: [dx],
      constants: { ...constantsOf(reversed(geometry)), ...constants, turned: 1 },
      flop: flopOf(geometry),
      grid,
    });
  },
}));

/** Workgroups that keep a large device busy. */
const TARGET_WORKGROUPS = 1024;

/** The same for the weight gradient, in parts. */
export const gemmWeightGradient = TILES.map((tile): Variant<WeightGradientJob> => ({
  name: `gemm${tile}`,
  kernels: [weightGradientKernel],
  fits,
  suits: (gpu, { y }) => suits(gpu, { tile, channels: y[3] }),
  run({ geometry, x, dy, dw }) {
    const [n, height, width, outputs] = geometry.y;
    const tile_quads = quadsOf(tile);
    const rows = geometry.w[0] * geometry.w[1] * quadsOf(geometry.w[2]);
    const rowTiles = Math.ceil(rows / (TILE_AREA / 4 / tile_quads));
    const columns = Math.ceil(quadsOf(outputs) / tile_quads);
    const parts = split(n * height * width, {
      least: 64,
      most: Math.ceil(TARGET_WORKGROUPS / (rowTiles * columns)),
    });
    const [gx, gy = 1] = gridFor(rowTiles * parts.chunks, 1);
    runParts(dw, parts, (partial) =>
      weightGradientKernel.dispatch("weight_gradient", {
        read: [x, dy],
        write: [partial],
        constants: { ...constantsOf(geometry), ...parts, tile_quads },
        flop: flopOf(geometry),
        grid: [gx, gy, columns],
      }));
  },
}));
