import source from "../../../kernels/conv2d/slide_weight_gradient.wgsl" with { type: "text" };
import { Kernel, split } from "../../gpu/kernel.ts";
import { quadsOf } from "../../gpu/layout.ts";
import { flopOf, type Geometry } from "./geometry.ts";
import { runParts } from "./parts.ts";
import type { Variant, WeightGradientJob } from "./variant.ts";

const kernel = new Kernel("conv2d/slide_weight_gradient", source);

// These and the workgroups below are what an H200 was fastest with, or nearly, on the layers of wide ResNets.
/** Most rows of a strip, and most vec4s of channels of a tile. */
const STRIP_ROWS = 4;
const TILE_QUADS = 8;
/** WebGPU's default limit. */
const MOST_LANES = 256;
/** Pixels along a row that the kernel takes at once. */
const RUN = 8;
/** Workgroups at most, nearly: of a single tile of channels, and of several. */
const TARGET_WORKGROUPS = { single: 256, several: 512 };

/** Items in parts of equal size but for the last, at most `most` each. */
function inParts(items: number, most: number) {
  return split(items, { least: most, most: items });
}

/** How the work is cut up, by the sizes alone. */
function cut({ x: [batch, height, width, inputs], w }: Geometry) {
  const strip = inParts(height, STRIP_ROWS);
  const input = inParts(quadsOf(inputs), TILE_QUADS);
  const output = inParts(quadsOf(w[3]), TILE_QUADS);
  const tiles = input.chunks * output.chunks;
  const workgroups = tiles === 1 ? TARGET_WORKGROUPS.single : TARGET_WORKGROUPS.several;
  const image = split(batch, {
    least: 1,
    most: Math.ceil(workgroups / (tiles * strip.chunks)),
  });
  const rowLanes = 3 * input.chunk * output.chunk;
  const sharers = Math.min(strip.chunk, Math.floor(MOST_LANES / rowLanes));
  const across = RUN * Math.ceil(width / RUN);
  return {
    strip,
    input,
    output,
    image,
    sharers,
    lanes: rowLanes * sharers,
    bytes: 16 * ((strip.chunk + 2) * (across + 2) * input.chunk +
      strip.chunk * across * output.chunk),
  };
}

function isBetween(value: number, [least, most]: readonly [number, number]): boolean {
  return least <= value && value <= most;
}

/** For three by three taps at stride 1: three taps of four by four channels a lane, which slides along rows. */
export const slideWeightGradient: Variant<WeightGradientJob> = {
  name: "slide",
  kernels: [kernel],
  fits({ device: { limits } }, geometry) {
    const { w: [height, width], stride, padding } = geometry;
    if (height !== 3 || width !== 3 || stride !== 1 || padding !== 1) return false;
    const { lanes, bytes } = cut(geometry);
    return lanes <= limits.maxComputeInvocationsPerWorkgroup &&
      bytes <= limits.maxComputeWorkgroupStorageSize;
  },
  suits: ({ adapter }, { x: [, , width], w: [, , inputs, outputs] }) =>
    !adapter.isSoftware && isBetween(width, [8, 32]) &&
    isBetween(quadsOf(inputs), [4, 16]) && isBetween(quadsOf(outputs), [4, 16]),
  run({ geometry, x, dy, dw }) {
    const { strip, input, output, image, sharers } = cut(geometry);
    const [batch, height, width, inputs] = geometry.x;
    const groups = strip.chunks * image.chunks;
    const parts = { chunk: image.chunk, chunks: groups * sharers };
    runParts(dw, parts, (partial) =>
      kernel.dispatch("weight_gradient", {
        read: [x, dy],
        write: [partial],
        constants: {
          batch,
          height,
          width,
          in_quads: quadsOf(inputs),
          out_quads: quadsOf(geometry.w[3]),
          tile_inputs: input.chunk,
          tile_outputs: output.chunk,
          strip: strip.chunk,
          strips: strip.chunks,
          images: image.chunk,
          sharers,
        },
        flop: flopOf(geometry),
        grid: [groups, input.chunks, output.chunks],
      }));
  },
};
