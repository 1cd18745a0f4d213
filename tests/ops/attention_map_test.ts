import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { attentionMap } from "../../lib/ops/attention_map.ts";
import { NORMS } from "../../lib/ops/normalise.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { spaced, uniform } from "../support/operand.ts";
import { mapsOf, rawMapsOf, unitRows } from "../support/reference/attention_map.ts";
import { readChecked } from "../support/stored.ts";

const CASES = [[3, 5, 7, 5], [1, 9, 9, 41], [2, 3, 1, 1], [5, 2, 2, 24]] as const;

for (const shape of CASES) {
  Deno.test(`attentionMap: [${shape.join(", ")}]`, async () => {
    const [n, height, width, channels] = shape;
    await checkOp(({ x }) => attentionMap(x), {
      inputs: { x: uniform(shape) },
      shape: [n, height * width],
      reference: ({ x }) => mapsOf(x, { positions: height * width, channels }),
      second: false,
    });
  });
}

for (const norm of NORMS) {
  Deno.test(`attentionMap: sum^1.5 in ${norm}`, async () => {
    const raw = { channels: 3, power: 1.5, reduce: "sum" } as const;
    await checkOp(({ x }) => attentionMap(x, { map: "sum^1.5", norm }), {
      inputs: { x: spaced([2, 3, 3, 3]) },
      shape: [2, 9],
      reference: ({ x }) => unitRows(rawMapsOf(x, raw), { columns: 9, norm }),
      second: false,
    });
  });
}

Deno.test("attentionMap: a sample of zeros gives zeros and a zero gradient", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([0, 0, 0, 0, 3, 1, 1, 2], [2, 2, 1, 2]));
  const y = attentionMap(x);
  const grads = gradients(y, [x], { upstream: gpu.tensor([1, 2, 0, 0], [2, 2]) });
  const [maps = [], dx = []] = await readChecked([y, ...grads]);
  const norm = Math.hypot(10, 5);
  assertClose(maps, [0, 0, 10 / norm, 5 / norm], { rtol: 1e-6, what: "map" });
  assertClose(dx, new Float32Array(8), { what: "gradient" });
});

Deno.test("attentionMap: refuses other dimensions", async () => {
  const gpu = await testGpu();
  assert.throws(() => attentionMap(gpu.zeros([2, 3])), {
    name: "TypeError",
    message: "Cannot take the activation map of x: wanted four dimensions, found [2, 3]",
  });
});
