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

const fits = () => true;

/** What a number of the result adds up: vec4s of the channels of what is read, for every tap. */
function termsOf({ w: [height, width] }: Geometry, channels: number): number {
  return height * width * quadsOf(channels);
}

/** The most terms at a time that leave at most a tenth of the work to terms past the end. */
function depthOf(terms: number, { most }: { most: number }): number {
  const depths = [4, 3, 2].filter((depth) => depth <= most);
  return depths.find((depth) => depth * Math.ceil(terms / depth) <= 1.1 * terms) ?? 1;
}

/** Constants and grid of a product whose result has these sizes, and the pixels of a tile. */
function tilesOf(
  [n, height, width, channels]: Geometry["y"],
  { tile, terms }: { tile: TileChannels; terms: number },
): { constants: Constants; grid: Grid; pixels: number } {
  const tile_quads = quadsOf(tile);
  const { each, pixels } = tileSizes({ rows: n * height * width, channels, tile });
  const [x, y = 1] = gridFor(n * height * width, pixels);
  return {
    constants: { terms, tile_quads, each, depth: depthOf(terms, { most: 2 * tile_quads / each }) },
    grid: [x, y, Math.ceil(quadsOf(channels) / tile_quads)],
    pixels,
  };
}

/** Products of matrices through workgroup memory, for each width of tile. */
export const gemmForward = TILES.map((tile): Variant<ForwardJob> => ({
  name: `gemm${tile}`,
  kernels: [kernel],
  fits,
  suits: (gpu, { y }) => suits(gpu, { tile, channels: y[3] }),
  run({ geometry, x, w, bias, y }) {
    const terms = termsOf(geometry, geometry.x[3]);
    const { constants, grid, pixels } = tilesOf(geometry.y, { tile, terms });
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

/** Vec4s of weights by vec4s of outputs that a workgroup of the weight gradient adds up. */
const WEIGHT_AREA = 256;

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
