/**
 * Runs the tests and ends with a line `N passed, N failed`. Arguments are those of `deno test`; without a file or
 * folder among them, all tests run.
 *
 * @module
 */
import { judge } from "./judge.ts";

const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-run",
  "--allow-net=127.0.0.1,localhost",
  // The last two are sharp's, which decodes images.
  "--allow-env=INIT_CWD,HOME,XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND,MALLOC_ARENA_MAX,npm_package_config_libvips",
  "--allow-ffi",
  "--no-prompt",
];
const TAIL = 10_000;

async function exists(path: string): Promise<boolean> {
  return !path.startsWith("-") && await Deno.stat(path).then(() => true, () => false);
}

async function relay(stream: ReadableStream<Uint8Array>): Promise<string> {
  const writer = Deno.stdout.writable.getWriter();
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of stream) {
    await writer.write(chunk);
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-TAIL);
  }
  writer.releaseLock();
  return tail;
}

const paths = await Promise.all(Deno.args.map(exists));
const roots = paths.includes(true) ? [] : ["tests"];
const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "--parallel", ...PERMISSIONS, ...Deno.args, ...roots],
  // Tests name paths from the root of the project, wherever this was typed. Two files at a time: drivers compile on one
  // core, and run kernels on all.
  env: { INIT_CWD: Deno.cwd(), DENO_JOBS: "2" },
  stdin: "null",
  stdout: "piped",
}).spawn();
const output = await relay(child.stdout);
const { code, signal } = await child.status;
const { passed, failed, note } = judge({ output, code, signal });
if (note !== undefined) console.log(`\n${note}`);
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
