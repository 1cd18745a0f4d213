import assert from "node:assert/strict";
import type { Constants } from "../../lib/gpu/kernel.ts";

const PEERS = new URL("../bench/peers/", import.meta.url).pathname;

/** A pipeline for Tint, Chrome's compiler, to make. */
export interface TintPipeline {
  readonly label: string;
  readonly entry: string;
  readonly constants: Constants;
}

/** A kernel for it to compile. */
export interface TintKernel {
  readonly name: string;
  readonly source: string;
  readonly pipelines: readonly TintPipeline[];
}

/** What Tint says of kernels and their pipelines, a line each; nothing where it takes them. */
export async function tintMessages(kernels: readonly TintKernel[]): Promise<unknown> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--config=${PEERS}deno.json`,
      "--allow-read",
      "--allow-ffi",
      `${PEERS}tint.ts`,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = ReadableStream.from([new TextEncoder().encode(JSON.stringify(kernels))]);
  // A process that ends before it has read everything says why.
  const written = input.pipeTo(child.stdin).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await written;
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(code, 0, decode(stderr));
  return JSON.parse(decode(stdout));
}
