import assert from "node:assert/strict";
import { type Gpu, groupWidths, type Model, wideResNet } from "../../mod.ts";
import { resNet } from "../../lib/models/resnet.ts";
import { RESNET_WIDTHS, resNetBlocks } from "../../lib/models/resnet_sizes.ts";
import { testGpu } from "../support/gpu.ts";
import {
  differentConvolutions,
  forwardFlop,
  imageNetwork,
  nameOf,
  stepFlop,
  wideNetwork,
} from "./convolutions.ts";

/** The floating-point operations that a model's own dispatches count. */
function recordedFlop(gpu: Gpu, model: Model, side: number): number {
  const x = gpu.zeros([2, side, side, 3]);
  const { dispatches } = gpu.record(() => model.apply(x, { training: false }));
  return dispatches.reduce((sum, { flop }) => sum + flop, 0);
}

for (const [depth, width] of [[16, 1], [16, 2], [40, 2]] as const) {
  Deno.test(`wideNetwork: WRN-${depth}-${width} has the operations of the model`, async () => {
    const gpu = await testGpu();
    using model = wideResNet(gpu, { depth, widths: groupWidths(width), classes: 10, seed: 0 });
    const network = wideNetwork(depth, width);
    assert.equal(network.name, model.name);
    const ratio = recordedFlop(gpu, model, 32) / forwardFlop(network, 2);
    assert.ok(Math.abs(ratio - 1) < 1e-9, `the model counts ${ratio} times as many`);
  });
}

Deno.test("imageNetwork: ResNet-18 has the operations of the model", async () => {
  const gpu = await testGpu();
  using model = resNet(gpu, {
    blocks: resNetBlocks(18),
    widths: RESNET_WIDTHS,
    stem: 64,
    classes: 1000,
    seed: 0,
  });
  const ratio = recordedFlop(gpu, model, 72) / forwardFlop(imageNetwork(18, 72), 2);
  assert.ok(Math.abs(ratio - 1) < 1e-9, `the model counts ${ratio} times as many`);
});

Deno.test("stepFlop: a step of attention transfer at batch 128 has 46 GFLOP", () => {
  const flop = stepFlop(wideNetwork(16, 1), wideNetwork(16, 2), 128);
  assert.equal(Math.round(flop / 1e9), 46);
  assert.equal(stepFlop(wideNetwork(16, 1), null, 128), 3 * forwardFlop(wideNetwork(16, 1), 128));
});

Deno.test("imageNetwork: ResNet-18 and ResNet-34 have 1.8 and 3.7 thousand million multiplications", () => {
  assert.equal((forwardFlop(imageNetwork(18, 224), 1) / 2e9).toFixed(2), "1.81");
  assert.equal((forwardFlop(imageNetwork(34, 224), 1) / 2e9).toFixed(2), "3.66");
});

Deno.test("differentConvolutions: each shape once, with the networks that have it", () => {
  const found = differentConvolutions([wideNetwork(16, 1), wideNetwork(16, 2)]);
  const networks = new Map(found.map((layer) => [nameOf(layer), layer.networks]));
  assert.equal(networks.size, found.length);
  assert.deepEqual(networks.get("3x3 3>16 32x32"), ["WRN-16-1", "WRN-16-2"]);
  assert.deepEqual(networks.get("3x3 16>16 32x32"), ["WRN-16-1"]);
  assert.deepEqual(networks.get("3x3 32>64 32x32/2"), ["WRN-16-2"]);
  assert.deepEqual(networks.get("1x1 32>64 32x32/2"), ["WRN-16-2"]);
  assert.equal(networks.size, 17);
});
