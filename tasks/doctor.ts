/**
 * Describes the WebGPU adapter and runs one checked kernel: `deno task doctor`.
 *
 * @module
 */
import { describeAdapter, requestAdapter } from "../lib/gpu/adapter.ts";
import { Gpu } from "../lib/gpu/device.ts";
import { conv2d } from "../lib/ops/conv2d.ts";
import { runCommand } from "./command_line/options.ts";
import { print } from "./command_line/screen.ts";

const SHOWN_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxUniformBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** Convolves a ramp with ones, whose result is known: each output is the sum of a 3x3 window. */
async function checkKernel(gpu: Gpu): Promise<boolean> {
  const side = 8;
  const x = gpu.tensor(Array.from({ length: side * side }, (_, at) => at), [1, side, side, 1]);
  const w = gpu.tensor(new Array(9).fill(1), [3, 3, 1, 1], { layout: "weights" });
  const y = await conv2d(x, w).read();
  const inner = side - 2;
  return y.every((value, at) =>
    value === 9 * ((Math.floor(at / inner) + 1) * side + at % inner + 1)
  );
}

if (import.meta.main) {
  await runCommand(async () => {
    const adapter = await requestAdapter();
    using gpu = await Gpu.open(adapter === null ? {} : { adapter });
    if (adapter === null) return 1;
    const { name, vendor, isSoftware } = describeAdapter(adapter);
    print(`adapter    ${name}`);
    print(`driver     ${vendor}; WebGPU does not tell the version`);
    print(`software   ${isSoftware ? "yes: it computes on the CPU" : "no"}`);
    print(`runtime    Deno ${Deno.version.deno} on ${Deno.build.target}`);
    print(`features   ${[...adapter.features].sort().join(", ")}`);
    for (const limit of SHOWN_LIMITS) print(`limit      ${limit} ${adapter.limits[limit]}`);
    const isRight = await checkKernel(gpu);
    print(
      `kernel     ${isRight ? "conv2d gives the right numbers" : "conv2d gives WRONG numbers"}`,
    );
    return isRight ? 0 : 1;
  });
}
