import assert from "node:assert/strict";
import { linear } from "../../lib/ops/linear.ts";
import { transpose } from "../../lib/ops/transpose.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

for (const [rows, columns] of [[3, 5], [1, 1], [8, 4], [70, 9]] as const) {
  Deno.test(`transpose: turns [${rows}, ${columns}] over, and its gradients back`, async () => {
    await checkOp(({ x }) => transpose(x), {
      inputs: { x: uniform([rows, columns]) },
      shape: [1, 1, columns, rows],
      reference: ({ x }) =>
        x.map((_, at) => x[(at % rows) * columns + Math.floor(at / rows)] ?? NaN),
    });
  });
}

Deno.test("transpose: a matrix times itself, with both of its gradients", async () => {
  const [rows, columns] = [3, 6];
  await checkOp(({ x }) => linear(x, transpose(x)), {
    inputs: { x: uniform([rows, columns]) },
    shape: [rows, rows],
    reference: ({ x }) =>
      Float64Array.from({ length: rows * rows }, (_, at) => {
        const row = (n: number) => x.subarray(n * columns, (n + 1) * columns);
        const other = row(at % rows);
        return row(Math.floor(at / rows)).reduce((sum, v, c) => sum + v * (other[c] ?? NaN), 0);
      }),
  });
});

Deno.test("transpose: refuses what is no matrix", async () => {
  const gpu = await testGpu();
  assert.throws(() => transpose(gpu.zeros([2, 3, 4], { label: "x" })), {
    name: "TypeError",
    message: /^Cannot transpose x: /,
  });
});
