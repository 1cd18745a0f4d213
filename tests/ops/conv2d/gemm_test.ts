import assert from "node:assert/strict";
import type { Geometry } from "../../../lib/ops/conv2d/geometry.ts";
import {
  gemmForward,
  gemmInputGradient,
  gemmWeightGradient,
} from "../../../lib/ops/conv2d/gemm.ts";
import { cardGpu, limitWorkgroupMemory } from "../../support/gpu.ts";

/** A convolution with as many channels on both sides; its tiles are the largest there are. */
function geometryOf(channels: number): Geometry {
  const x = [128, 32, 32, channels] as const;
  return { x, w: [3, 3, channels, channels], y: x, stride: 1, padding: 1 };
}

/** The tile's vec4s of pixels and of weights, for each term, and the sums of the moments. */
const FORWARD_BYTES = {
  gemm16: 16 * 2 * (128 + 4 * 4) + 32 * 64,
  gemm32: 16 * 2 * (128 + 4 * 8) + 32 * 64,
  gemm64: 16 * 4 * (128 + 4 * 16) + 32 * 128,
};

/** The tile's vec4s of taps and inputs and of outputs, for each pixel. */
const WEIGHT_GRADIENT_BYTES = {
  gemm16: 16 * 4 * (64 + 4),
  gemm32: 16 * 8 * (32 + 8),
  gemm64: 16 * 8 * (16 + 16),
};

Deno.test("gemm: a tile fits where the device has the workgroup memory for it", async () => {
  using gpu = await cardGpu();
  const geometry = geometryOf(64);
  for (
    const [variants, bytes] of [
      [gemmForward, FORWARD_BYTES],
      [gemmInputGradient, FORWARD_BYTES],
      [gemmWeightGradient, WEIGHT_GRADIENT_BYTES],
    ] as const
  ) {
    for (const { name, fits } of variants) {
      const needed = new Map(Object.entries(bytes)).get(name) ?? NaN;
      limitWorkgroupMemory(gpu, needed);
      assert.ok(fits(gpu, geometry), `${name} in ${needed} bytes`);
      limitWorkgroupMemory(gpu, needed - 1);
      assert.ok(!fits(gpu, geometry), `${name} in a byte less`);
    }
  }
});
