import source from "../../../kernels/conv2d/plain.wgsl" with { type: "text" };
import { gridFor, Kernel, split } from "../../gpu/kernel.ts";
import { quadsOf } from "../../gpu/layout.ts";
import { addAndRectifyInStore } from "../epilogue.ts";
import { constantsOf, flopOf, SIZES } from "./geometry.ts";
import { runParts } from "./parts.ts";
import type { ForwardJob, InputGradientJob, Variant, WeightGradientJob } from "./variant.ts";

const kernel = new Kernel("conv2d/plain", source, [...SIZES, "chunk", "chunks"]);

const ALWAYS = { name: "plain", kernels: [kernel], fits: () => true, suits: () => true };

/** Four pixels by four channels an invocation. */
export const plainForward: Variant<ForwardJob> = {
  ...ALWAYS,
  run({ geometry, x, w, bias, y }) {
    const [n, height, width, outputs] = geometry.y;
    kernel.dispatch("forward", {
      read: [x, w, bias ?? w, x],
      fusion: { absorb: addAndRectifyInStore },
      write: [y],
      constants: { ...constantsOf(geometry), biased: bias === null ? 0 : 1 },
      flop: flopOf(geometry),
      grid: gridFor(n * height * Math.ceil(width / 4) * quadsOf(outputs), 64),
    });
  },
};

/** Four pixels by four channels an invocation. */
export const plainInputGradient: Variant<InputGradientJob> = {
  ...ALWAYS,
  run({ geometry, dy, w, dx }) {
    const [n, height, width, inputs] = geometry.x;
    const { stride } = geometry;
    kernel.dispatch("input_gradient", {
      read: [dy, w, w, dy],
      fusion: { absorb: addAndRectifyInStore },
      write: [dx],
      constants: constantsOf(geometry),
      flop: flopOf(geometry),
      grid: gridFor(n * height * Math.ceil(width / (4 * stride)) * stride * quadsOf(inputs), 64),
    });
  },
};

const TARGET_INVOCATIONS = 4096;

/** Four by eight channels of one tap an invocation. */
export const plainWeightGradient: Variant<WeightGradientJob> = {
  ...ALWAYS,
  run({ geometry, x, dy, dw }) {
    const [kernelHeight, kernelWidth, inputs, outputs] = geometry.w;
    const tiles = kernelHeight * kernelWidth * quadsOf(inputs) * Math.ceil(quadsOf(outputs) / 2);
    const parts = split(geometry.y[0] * geometry.y[1], {
      least: 1,
      most: Math.ceil(TARGET_INVOCATIONS / tiles),
    });
    runParts(dw, parts, (partial) =>
      kernel.dispatch("weight_gradient", {
        read: [x, dy],
        write: [partial],
        constants: { ...constantsOf(geometry), ...parts },
        flop: flopOf(geometry),
        grid: gridFor(tiles * parts.chunks, 64),
      }));
  },
};
