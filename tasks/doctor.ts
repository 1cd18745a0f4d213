/**
 * Describes the WebGPU adapter and runs one checked kernel: `deno task doctor`. With `--ngpu N` it does so for each rank
 * of a training on many GPUs.
 *
 * @module
 */
import { describeAdapter, requestAdapter } from "../lib/gpu/adapter.ts";
import { Gpu } from "../lib/gpu/device.ts";
import { conv2d } from "../lib/ops/conv2d.ts";
import { type Flags, readText, readWhole, toggle } from "./command_line/flags.ts";
import { parseFlags, runCommand } from "./command_line/options.ts";
import { print, say } from "./command_line/screen.ts";
import { describeHidden } from "./launch/hidden_card.ts";
import { checkGpus, type LaunchFlags } from "./launch/launch_request.ts";
import { openCard } from "./launch/open_card.ts";
import { describeRanks } from "./launch/describe_ranks.ts";

const SHOWN_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxUniformBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

const GPUS = "GPUs:";
const FLAGS: Flags<Pick<LaunchFlags, "ngpu" | "gpu_id" | "share_gpu">> = {
  ngpu: {
    group: GPUS,
    value: "N",
    help: "Show what each rank of a training with --ngpu N would open",
    read: readWhole,
  },
  gpu_id: { group: GPUS, value: "IDS", help: "Open these GPUs, such as 0,1", read: readText },
  share_gpu: toggle(GPUS, "Allow more ranks than this machine has GPUs"),
};
const TEXT = {
  name: "deno task doctor",
  about: "Describes the adapter and runs one checked kernel.",
  closing: "",
};

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
  await runCommand(async (argv) => {
    const parsed = parseFlags(argv, { flags: FLAGS, text: TEXT });
    if (parsed.kind === "print") {
      print(parsed.text.trimEnd());
      return 0;
    }
    checkGpus(parsed.given);
    const { ngpu = 1, gpu_id } = parsed.given;
    if (ngpu === 1 && gpu_id !== undefined) {
      await openCard(parsed.given, { localRank: 0, localSize: 1 });
    }
    const adapter = await requestAdapter();
    const hidden = await describeHidden(adapter);
    if (hidden !== null) say(`Cannot open the GPU: ${hidden}`);
    const worst = hidden === null ? 0 : 1;
    if (ngpu > 1) return Math.max(worst, await describeRanks(parsed.given, ngpu));
    if (adapter === null && hidden !== null) return worst;
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
    return isRight ? worst : 1;
  });
}
