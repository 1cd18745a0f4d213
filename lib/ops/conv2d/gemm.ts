import source from "../../../kernels/conv2d/gemm.wgsl" with { type: "text" };
import weightGradientSource from "../../../kernels/conv2d/gemm_weight_gradient.wgsl" with {
  type: "text",
};
import type { Gpu } from "../../gpu/device.ts";
import { type Constants, type Grid, gridFor, Kernel, split } from "../../gpu/kernel.ts";
import { quadsOf } from "../../gpu/layout.ts";
import { momentsInStore } from "../batch_norm.ts";
import { addAndRectifyInStore } from "../epilogue.ts";
import { constantsOf, flopOf, type Geometry, reversed, SIZES } from "./geometry.ts";
import { runParts } from "./parts.ts";
import { bestTile, type TileChannels, TILES, tileSizes } from "./tile.ts";
import type { ForwardJob, InputGradientJob, Variant, WeightGradientJob } from "./variant.ts";

const kernel = new Kernel("conv2d/gemm", source, [...SIZES, "terms"]);
const weightGradientKernel = new Kernel("conv2d/gemm_weight_gradient", weightGradientSource, [
  ...SIZES,
  "chunk",
  "chunks",
]);

/** A software adapter gains nothing from workgroup memory. */
function suits({ adapter }: Gpu, { tile, channels }: { tile: TileChannels; channels: number }) {
  return !adapter.isSoftware && tile === bestTile(channels);
}

function hasMemory({ device: { limits } }: Gpu, bytes: number): boolean {
  return bytes <= limits.maxComputeWorkgroupStorageSize;
}

/** What a number of the result adds up: vec4s of the channels of what is read, for every tap. */
function termsOf({ w: [height, width] }: Geometry, channels: number): number {
  return height * width * quadsOf(channels);
}

/** The most terms at a time that leave at most a tenth of the work to terms past the end. */
function depthOf(terms: number, { most }: { most: number }): number {
  const depths = [4, 3, 2].filter((depth) => depth <= most);
  return depths.find((depth) => depth * Math.ceil(terms / depth) <= 1.1 * terms) ?? 1;
}

/**
 * Constants and grid of a product whose result has these sizes, the pixels of a tile, and the bytes of workgroup memory
 * for it, with what making moments takes.
 */
function tilesOf(
  [n, height, width, channels]: Geometry["y"],
  { tile, terms }: { tile: TileChannels; terms: number },
): { constants: Constants; grid: Grid; pixels: number; bytes: number } {
  const tile_quads = quadsOf(tile);
  const { each, pixels, lanes } = tileSizes({ rows: n * height * width, channels, tile });
  const [x, y = 1] = gridFor(n * height * width, pixels);
  const depth = depthOf(terms, { most: 2 * tile_quads / each });
  return {
    constants: { terms, tile_quads, each, depth },
    grid: [x, y, Math.ceil(quadsOf(channels) / tile_quads)],
    pixels,
    bytes: 16 * depth * (pixels + 4 * tile_quads) + 32 * lanes,
  };
}

/** The tiles of a forward pass. */
function forwardTiles(geometry: Geometry, tile: TileChannels) {
  return tilesOf(geometry.y, { tile, terms: termsOf(geometry, geometry.x[3]) });
}

/** Those of an input gradient. */
function inputGradientTiles(geometry: Geometry, tile: TileChannels) {
  return tilesOf(geometry.x, { tile, terms: termsOf(geometry, geometry.y[3]) });
}

/** Products of matrices through workgroup memory, for each width of tile. */
export const gemmForward = TILES.map((tile): Variant<ForwardJob> => ({
  name: `gemm${tile}`,
  kernels: [kernel],
  fits: (gpu, geometry) => hasMemory(gpu, forwardTiles(geometry, tile).bytes),
  suits: (gpu, { y }) => suits(gpu, { tile, channels: y[3] }),
  run({ geometry, x, w, bias, y }) {
    const { constants, grid, pixels } = forwardTiles(geometry, tile);
    kernel.dispatch("forward", {
      read: [x, w, bias ?? w, x],
      fusion: {
        absorb: addAndRectifyInStore,
        extend: (pair) => momentsInStore(pair, { tile: pixels }),
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
  fits: (gpu, geometry) => hasMemory(gpu, inputGradientTiles(geometry, tile).bytes),
  suits: (gpu, { x }) => suits(gpu, { tile, channels: x[3] }),
  run({ geometry, dy, w, dx }) {
    const { constants, grid } = inputGradientTiles(geometry, tile);
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

/** Vec4s of weights by vec4s of outputs that a workgroup of the weight gradient adds up. */
const WEIGHT_AREA = 256;

/** The bytes of workgroup memory that it takes: those of four or eight pixels. */
function weightGradientBytes(tile: TileChannels): number {
  const tile_quads = quadsOf(tile);
  return 16 * (tile === 16 ? 4 : 8) * (WEIGHT_AREA / tile_quads + tile_quads);
}

/** Workgroups that keep a large device busy. */
const TARGET_WORKGROUPS = 1024;

/** The same for the weight gradient, in parts. */
export const gemmWeightGradient = TILES.map((tile): Variant<WeightGradientJob> => ({
  name: `gemm${tile}`,
  kernels: [weightGradientKernel],
  fits: (gpu) => hasMemory(gpu, weightGradientBytes(tile)),
  suits: (gpu, { y }) => suits(gpu, { tile, channels: y[3] }),
  run({ geometry, x, dy, dw }) {
    const [n, height, width, outputs] = geometry.y;
    const tile_quads = quadsOf(tile);
    const rows = geometry.w[0] * geometry.w[1] * quadsOf(geometry.w[2]);
    const rowTiles = Math.ceil(rows / (WEIGHT_AREA / tile_quads));
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
