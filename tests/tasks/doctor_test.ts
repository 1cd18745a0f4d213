import assert from "node:assert/strict";
import { NO_ADAPTER, runTask } from "../support/command.ts";
import { testGpu } from "../support/gpu.ts";

const cwd = import.meta.dirname ?? ".";

Deno.test("doctor: describes the adapter, and a kernel gives the right numbers", async () => {
  const { adapter, device } = await testGpu();
  const { code, stdout, stderr } = await runTask("doctor", [], { cwd });
  assert.deepEqual([code, stderr], [0, ""]);
  const rows = stdout.trimEnd().split("\n").map((line) => {
    assert.match(line, /^\S+ +\S/);
    return [line.slice(0, 11).trimEnd(), line.slice(11)];
  });
  const values = (title: string) => rows.flatMap(([key, value]) => key === title ? [value] : []);
  assert.deepEqual(values("adapter"), [adapter.name]);
  assert.equal(values("software")[0]?.startsWith(adapter.isSoftware ? "yes" : "no"), true);
  assert.deepEqual(values("kernel"), ["conv2d gives the right numbers"]);
  const { maxStorageBufferBindingSize } = device.limits;
  assert.ok(values("limit").includes(`maxStorageBufferBindingSize ${maxStorageBufferBindingSize}`));
  for (const title of ["driver", "runtime", "features"]) {
    assert.equal(values(title).length, 1, title);
  }
});

Deno.test("doctor: without an adapter, one line says so", async () => {
  const { code, stdout, stderr } = await runTask("doctor", [], { cwd, env: NO_ADAPTER });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^error: Cannot open a GPU: wanted a WebGPU adapter, found none;[^\n]*\n$/);
});
