import assert from "node:assert/strict";
import { findLayerCompiler } from "../support/posing_layer/posing_layer.ts";
import { captureFrom } from "./capture_from.ts";
import { findFaults } from "./check_dispatch.ts";
import { convolve } from "../support/reference/conv2d.ts";
import { MUTANTS } from "./mutants.ts";
import { runDispatch } from "./run_dispatch.ts";
import { CONVOLUTION } from "./slice.ts";

const { ignore, note } = await findLayerCompiler();
const NONE = new Float64Array();
const RUN = new URL("slice_run.ts", import.meta.url).pathname;

Deno.test({
  name: `races: none in a slice of the kernels, and every mutant is noticed${note}`,
  ignore,
  async fn(t) {
    await using capture = await captureFrom(["run", "--quiet", "--no-check", "-A", RUN], {
      idle: true,
    });
    assert.equal(capture.code, 0);
    async function* faultsOf(kernel: string): AsyncGenerator<string> {
      for (const dispatch of capture.dispatches.filter((one) => one.kernel === kernel)) {
        const program = await capture.programOf(dispatch);
        for (const { what, how } of findFaults(program, dispatch, { most: 4 })) {
          yield `${dispatch.label}: ${what}: ${how}`;
        }
      }
    }
    await t.step("the interpreter computes a convolution exactly", async () => {
      const ways = capture.dispatches.filter(({ kernel, entry }) =>
        /^conv2d\/(gemm|rows)$/.test(kernel) && entry === "forward"
      );
      assert.ok(ways.length > 1);
      for (const dispatch of ways) {
        const program = await capture.programOf(dispatch);
        const options = { subgroup: 32, most: Infinity, seed: 1 };
        const { contents } = runDispatch(program, dispatch, options);
        const [x = NONE, w = NONE, y = NONE] = [0, 1, 4].map((binding) =>
          Float64Array.from(new Float32Array(contents.get(binding)?.slice().buffer ?? []))
        );
        assert.deepEqual(y, convolve({ x, w }, CONVOLUTION), dispatch.label);
      }
    });
    const mutants = new Set(MUTANTS.map(({ name }) => name));
    const kernels = new Set(capture.dispatches.map(({ kernel }) => kernel));
    for (const kernel of kernels.difference(mutants)) {
      await t.step(kernel, async () => {
        assert.deepEqual(await Array.fromAsync(faultsOf(kernel)), []);
      });
    }
    for (const { name, fault } of MUTANTS) {
      await t.step(`${name} is noticed`, async () => {
        const { value } = await faultsOf(name).next();
        assert.match(value ?? "no fault", fault);
      });
    }
  },
});
