import assert from "node:assert/strict";
import { Gpu } from "../../lib/gpu/device.ts";
import { GpuError, wordCompilerMessage } from "../../lib/gpu/errors.ts";
import { type Constants, Kernel } from "../../lib/gpu/kernel.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { add } from "../../lib/ops/add.ts";
import { scale } from "../../lib/ops/scale.ts";
import { testGpu } from "../support/gpu.ts";

const SOURCE = `
override factor: f32 = 1;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1)
fn forward() {
  y[0] = factor * x[0];
}
`;
const BROKEN = SOURCE.replace("* x[0]", "* z[0]");

function useKernel(
  x: Tensor,
  { source = SOURCE, entry = "forward", reads = [x], constants = {} }: {
    source?: string;
    entry?: string;
    reads?: Tensor[];
    constants?: Constants;
  } = {},
): Tensor {
  const y = x.gpu.empty([1], { label: "y" });
  new Kernel("probe", source).dispatch(entry, { read: reads, write: [y], constants, grid: [1] });
  return y;
}

async function failureOf(run: () => Promise<unknown>): Promise<GpuError> {
  const error = await run().then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof GpuError, `wanted a GpuError, found ${error}`);
  return error;
}

Deno.test("errors: a kernel that is not WGSL names its file, line and caller at read", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1], [1]);
  const options = { source: BROKEN, constants: { factor: 2 } };
  const error = await failureOf(async () => await useKernel(x, options).read());
  assert.match(error.message, /^Cannot compile probe\.forward \{factor:2\}: /);
  assert.match(error.message, /kernels\/probe\.wgsl:7:19/);
  assert.match(error.stack ?? "", /^GpuError: Cannot compile probe\.forward/);
  assert.match(error.stack ?? "", /at useKernel .*errors_test\.ts/);
  assert.deepEqual([...await x.read()], [1]);
});

Deno.test("errors: the same broken kernel is reported each time", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1], [1]);
  const kernel = new Kernel("again", BROKEN);
  const run = () => {
    const y = gpu.empty([1]);
    kernel.dispatch("forward", { read: [x], write: [y], grid: [1] });
    return y;
  };
  const wanted = /^Cannot compile again\.forward \{\}: [^]*kernels\/again\.wgsl:7:19/;
  assert.match((await failureOf(async () => await run().read())).message, wanted);
  assert.match((await failureOf(async () => await run().read())).message, wanted);
  const record = () => Program.record(gpu, { label: "p", build: run });
  assert.match((await failureOf(record)).message, wanted);
});

Deno.test("errors: a program with a broken kernel fails at its recording", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1], [1]);
  async function recordBroken() {
    await Program.record(gpu, { label: "p", build: () => useKernel(x, { source: BROKEN }) });
  }
  const error = await failureOf(recordBroken);
  assert.match(error.message, /^Cannot compile probe\.forward \{\}: [^]*probe\.wgsl:7:19/);
  assert.match(error.stack ?? "", /recordBroken/);
});

Deno.test("errors: a wrong entry point, constant or binding names the kernel", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1], [1]);
  const cases = [
    { options: { entry: "backward" }, wanted: /^Cannot compile probe\.backward \{\}: / },
    { options: { constants: { gain: 2 } }, wanted: /^Cannot compile probe\.forward .*'gain'/ },
    { options: { reads: [] }, wanted: /^Cannot compile probe\.forward [^]*binding: 0/ },
  ];
  for (const { options, wanted } of cases) {
    const error = await failureOf(async () => await useKernel(x, options).read());
    assert.match(error.message, wanted);
    assert.match(error.stack ?? "", /useKernel/);
  }
});

Deno.test("errors: one failure is thrown once, the first", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1], [1]);
  useKernel(x, { source: BROKEN, constants: { factor: 3 } });
  useKernel(x, { source: BROKEN, constants: { factor: 4 } });
  const error = await failureOf(() => gpu.settled());
  assert.match(error.message, /factor:3/);
  await gpu.settled();
  assert.deepEqual([...await useKernel(x, { constants: { factor: 5 } }).read()], [5]);
});

Deno.test("errors: a dispatch checks its grid and its tensors", async () => {
  const gpu = await testGpu();
  using other = await Gpu.open();
  const [x, y] = [gpu.zeros([1], { label: "x" }), gpu.zeros([1], { label: "y" })];
  const kernel = new Kernel("probe", SOURCE);
  const refuses = (
    { read = [x], write = [y], grid = [1] }: {
      read?: Tensor[];
      write?: Tensor[];
      grid?: [number, number?, number?];
    },
    message: string,
  ) => {
    const run = () => kernel.dispatch("forward", { read, write, grid });
    assert.throws(run, { name: "GpuError", message });
  };
  const most = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  const size = `Cannot dispatch probe.forward {}: each grid size must be 1 to ${most}, found`;
  refuses({ grid: [most + 1] }, `${size} [${most + 1}]`);
  refuses({ grid: [1, 0] }, `${size} [1, 0]`);
  refuses({ grid: [1, 1, NaN] }, `${size} [1, 1, NaN]`);
  const both = "a tensor must be either read or written, found x in both";
  refuses({ write: [x] }, `Cannot dispatch probe.forward {}: ${both}`);
  const elsewhere = "all tensors must be on one GPU, found z on another";
  const z = other.zeros([1], { label: "z" });
  refuses({ read: [z] }, `Cannot dispatch probe.forward {}: ${elsewhere}`);
  const slots = gpu.device.limits.maxStorageBuffersPerShaderStage;
  refuses(
    { read: Array.from({ length: slots }, () => x) },
    `Cannot dispatch probe.forward {}: the adapter binds at most ${slots} buffers, found ${
      slots + 1
    }`,
  );
  assert.throws(() => add(x, z), { name: "GpuError", message: /found z on another$/ });
});

Deno.test("errors: a disposed tensor is reported by its label", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1], [1], { label: "gone" });
  x[Symbol.dispose]();
  const message = "Cannot use gone: it must be alive, found a tensor that was disposed of";
  await assert.rejects(x.read(), { name: "GpuError", message });
  assert.throws(() => x.write(new Float32Array(1)), { name: "GpuError", message });
  const used =
    /^Cannot dispatch scale\.forward {.*}: every tensor must be alive, found gone, which was disposed of$/;
  assert.throws(() => scale(x, 2), { name: "GpuError", message: used });
  const recorded = Program.record(gpu, { label: "late", build: () => scale(x, 2) });
  await assert.rejects(recorded, { name: "GpuError", message: used });
});

Deno.test("errors: an output of a disposed program is reported by its label", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1], [1]);
  const program = await Program.record(gpu, { label: "twice", build: () => scale(x, 2) });
  program.run();
  assert.deepEqual([...await program.outputs.read()], [2]);
  program[Symbol.dispose]();
  const { label } = program.outputs;
  await assert.rejects(program.outputs.read(), {
    name: "GpuError",
    message: `Cannot use ${label}: it must be alive, found a tensor that was disposed of`,
  });
  assert.deepEqual([...await x.read()], [1]);
});

Deno.test("errors: a compiler message names the kernel's file", () => {
  const message = "\n  ┌─ wgsl:5:30\n  │ wgsl:6:1  \n";
  const file = "kernels/sum.wgsl";
  const wanted = "┌─ kernels/sum.wgsl:5:30\n  │ kernels/sum.wgsl:6:1";
  assert.equal(wordCompilerMessage(message, file), wanted);
});
