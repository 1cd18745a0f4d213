/**
 * Runs the tests and ends with a line `N passed, N failed`. Arguments are those of `deno test`; without a file or
 * folder among them, all tests run.
 *
 * @module
 */
import { judge, total, type Verdict } from "./judge.ts";

const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-run",
  "--allow-net=127.0.0.1,localhost",
  // The last two are sharp's, which decodes images; PATH and the linker's are what launchers of ranks hand on.
  "--allow-env=INIT_CWD,HOME,PATH,LD_LIBRARY_PATH,LD_PRELOAD,XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND,MALLOC_ARENA_MAX,npm_package_config_libvips",
  "--allow-ffi",
  "--no-prompt",
];
const TAIL = 10_000;

/** How many processes run tests at a time: a driver compiles on one core, and much is waited for. */
const PROCESSES = 2;

async function exists(path: string): Promise<boolean> {
  return !path.startsWith("-") && await Deno.stat(path).then(() => true, () => false);
}

async function testsIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await testsIn(`${folder}/${name}`));
    else if (name.endsWith("_test.ts")) found.push(`${folder}/${name}`);
  }
  return found;
}

/** All tests in the groups that share a process: those of a folder, and the rest. The largest comes first. */
async function groups(): Promise<string[][]> {
  const all = (await testsIn("tests")).sort();
  const byFolder = Map.groupBy(all, (path) => path.split("/").slice(1, -1).at(0));
  return [...byFolder.values()].sort((a, b) => b.length - a.length);
}

async function relay(stream: ReadableStream<Uint8Array>, write: (bytes: Uint8Array) => void) {
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of stream) {
    write(chunk);
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-TAIL);
  }
  return tail;
}

async function run(args: readonly string[], write: (bytes: Uint8Array) => void): Promise<Verdict> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...PERMISSIONS, ...args],
    // Tests name paths from the root of the project, wherever this was typed.
    env: { INIT_CWD: Deno.cwd() },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const output = await relay(child.stdout, write);
  const { code, signal } = await child.status;
  return judge({ output, code, signal });
}

function print(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** Checks the types of all tests at once, which each process would otherwise do for its own. */
async function isTyped(): Promise<boolean> {
  const args = ["check", "--quiet", "tests"];
  return (await new Deno.Command(Deno.execPath(), { args, stdout: "inherit" }).spawn().status)
    .success;
}

/** Runs groups of tests, some at a time, and prints what each said when it has ended. */
async function runGroups(queue: string[][]): Promise<Verdict[]> {
  if (!await isTyped()) return [{ passed: 0, failed: 1, note: "The types of the tests are wrong" }];
  const verdicts: Verdict[] = [];
  const work = async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      const printed: Uint8Array[] = [];
      verdicts.push(
        await run(["--no-check", ...Deno.args, ...group], (bytes) => void printed.push(bytes)),
      );
      printed.forEach(print);
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, work));
  return verdicts;
}

const paths = await Promise.all(Deno.args.map(exists));
const verdicts = paths.includes(true)
  ? [await run(Deno.args, print)]
  : await runGroups(await groups());
for (const { note } of verdicts) if (note !== undefined) console.log(`\n${note}`);
const { passed, failed } = total(verdicts);
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
