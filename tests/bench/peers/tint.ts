/**
 * Compiles kernels with Tint, Chrome's compiler, and prints what it says of them: in a process of its own, since only
 * here is Dawn installed, of which Tint is a part. Dawn's null device makes pipelines and runs nothing.
 *
 * Reads the kernels as JSON from standard input, and writes an array of lines to standard output.
 *
 * @module
 */
import { create } from "webgpu";
import type { TintKernel } from "../../support/tint.ts";

// Kept, since the process dies when it is collected.
const dawn = create(["backend=null"]);
const adapter = await dawn.requestAdapter();
if (adapter === null) throw new Error("Dawn must have a null adapter, found none");
const device = await adapter.requestDevice({ requiredFeatures: ["shader-f16", "subgroups"] });

async function messagesOf({ name, source, pipelines }: TintKernel): Promise<string[]> {
  // Tint wants subgroups to be enabled; Deno's compiler does not know the word.
  const code = /subgroup(?:[A-Z]|_)/.test(source) ? `enable subgroups; ${source}` : source;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label: name, code });
  const { messages } = await module.getCompilationInfo();
  await device.popErrorScope();
  if (messages.length > 0) {
    return messages.map(({ type, lineNum, linePos, message }) =>
      `${name}:${lineNum}:${linePos}: ${type}: ${message}`
    );
  }
  const failures: string[] = [];
  for (const { label, entry, constants } of pipelines) {
    device.pushErrorScope("validation");
    const compute = { module, entryPoint: entry, constants };
    device.createComputePipeline({ label, layout: "auto", compute });
    const failure = await device.popErrorScope();
    if (failure !== null) failures.push(`${label}: ${failure.message}`);
  }
  return failures;
}

const kernels: TintKernel[] = await new Response(Deno.stdin.readable).json();
const found: string[] = [];
for (const kernel of kernels) found.push(...await messagesOf(kernel));
console.log(JSON.stringify(found));
