import assert from "node:assert/strict";
import { findLayerCompiler } from "../support/posing_layer/posing_layer.ts";
import { captureFrom } from "./capture_from.ts";
import { findFaults } from "./check_dispatch.ts";
import { MUTANTS } from "./mutants.ts";

const { ignore, note } = await findLayerCompiler();
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
