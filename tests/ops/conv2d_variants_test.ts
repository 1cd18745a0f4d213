import assert from "node:assert/strict";
import { createArena } from "../../lib/gpu/arena.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { gradients } from "../../lib/gradients.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { readChecked } from "../support/stored.ts";

interface Case {
  readonly name: string;
  readonly x: readonly [number, number, number, number];
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
}

/** Weights in a parameter arena are read through a uniform binding; in a buffer of their own, by the plain kernel. */
const CASES: readonly Case[] = [
  { name: "one slice of taps, odd sides", x: [2, 9, 7, 16], outputs: 24, kernel: 3, stride: 1 },
  { name: "several slices of taps", x: [1, 6, 11, 44], outputs: 84, kernel: 3, stride: 1 },
  { name: "stride 2", x: [3, 13, 18, 12], outputs: 41, kernel: 3, stride: 2 },
  { name: "a kernel of one pixel", x: [2, 10, 12, 16], outputs: 20, kernel: 1, stride: 2 },
];

async function results(
  gpu: Gpu,
  { x: shape, outputs, kernel, stride, isTiled }: Case & { isTiled: boolean },
): Promise<Record<string, Float32Array>> {
  const size = kernel * kernel * shape[3] * outputs;
  const weights = [kernel, kernel, shape[3], outputs];
  const values = randomValues(size, { seed: 1 });
  const own = gpu.tensor(values, weights, { layout: "weights" });
  const [held = own] = createArena(gpu, {
    label: "arena",
    entries: [{ label: "w", shape: weights, layout: "weights" }],
  }).tensors;
  held.write(Float32Array.from(values));
  const w = watch(isTiled ? held : own);
  const x = watch(gpu.tensor(randomValues(shape.reduce((a, b) => a * b), { seed: 2 }), shape));
  const bias = watch(gpu.tensor(randomValues(outputs, { seed: 3 }), [outputs]));
  const y = conv2d(x, w, { stride, padding: (kernel - 1) / 2, bias });
  const upstream = gpu.tensor(randomValues(y.size, { seed: 4 }), y.shape);
  const [dx = y] = gradients(y, [x], { upstream });
  const [forward = [], gradient = []] = await readChecked([y, dx]);
  return { y: Float32Array.from(forward), dx: Float32Array.from(gradient) };
}

for (const at of CASES) {
  Deno.test(`conv2d: the tiled kernels agree with the plain ones, ${at.name}`, async () => {
    const gpu = await testGpu();
    const tiled = await results(gpu, { ...at, isTiled: true });
    const plain = await results(gpu, { ...at, isTiled: false });
    for (const [name, wanted] of Object.entries(plain)) {
      const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assertClose(tiled[name] ?? [], wanted, { atol: 2e-6 * largest, what: name });
    }
  });
}

for (const isTiled of [true, false]) {
  const name = isTiled ? "in slices of taps" : "with the plain kernel";
  Deno.test(`conv2d: counts two operations a multiplication, ${name}`, async () => {
    const gpu = await testGpu();
    const shape = [3, 3, 44, 84];
    const held = createArena(gpu, {
      label: "arena",
      entries: [{ label: "w", shape, layout: "weights" }],
    }).tensors[0];
    const own = gpu.zeros(shape, { layout: "weights" });
    const w = watch(isTiled && held !== undefined ? held : own);
    const { dispatches } = gpu.record(() => {
      const x = watch(gpu.empty([2, 5, 11, 44]));
      return gradients(sum(conv2d(x, w, { padding: 1 }), { keep: "none" }), [x, w]);
    });
    const flop = (entry: string) =>
      dispatches.filter((dispatch) => dispatch.entry === entry)
        .reduce((sum, dispatch) => sum + dispatch.flop, 0);
    const wanted = 2 * (2 * 5 * 11 * 84) * (3 * 3 * 44);
    assert.deepEqual(
      ["forward", "input_gradient", "weight_gradient"].map((entry) => Math.round(flop(entry))),
      [wanted, wanted, wanted],
    );
  });
}
