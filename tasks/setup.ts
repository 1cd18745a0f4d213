/**
 * Makes sure that a WebGPU adapter answers, and installs Mesa's software adapter where that is possible. Silent if
 * nothing needs doing. With `--no-install` it only looks. Where a machine shows signs of a card that WebGPU does not find,
 * it installs nothing and says what is missing; with `--allow_software` a software adapter that answers will do.
 *
 * @module
 */
import { requestAdapter } from "../lib/gpu/adapter.ts";
import { say } from "./command_line/screen.ts";
import { describeHidden } from "./launch/hidden_card.ts";

const PACKAGE = "mesa-vulkan-drivers";
const APT_GET = "/usr/bin/apt-get";
const SUDO = "/usr/bin/sudo";
const LOOK = "Deno.exit(await navigator.gpu.requestAdapter() === null ? 1 : 0)";

/** What decides whether packages can be installed. */
export interface Machine {
  /** Operating system, as in `Deno.build.os`. */
  readonly os: string;
  /** Whether apt-get is there. */
  readonly hasApt: boolean;
  /** Whether this process is the superuser's. */
  readonly isRoot: boolean;
  /** Whether sudo works without a password. */
  readonly hasSudo: boolean;
}

/**
 * Gives the words that a call of apt-get begins with, or `undefined` where it cannot install anything.
 *
 * @param machine What is there.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const container = { os: "linux", hasApt: true, isRoot: true, hasSudo: false };
 * assert.deepEqual(aptCommand(container)?.at(-1), "/usr/bin/apt-get");
 * assert.equal(aptCommand({ ...container, isRoot: false }), undefined);
 * ```
 */
export function aptCommand({ os, hasApt, isRoot, hasSudo }: Machine): string[] | undefined {
  if (os !== "linux" || !hasApt) return undefined;
  const command = ["/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", APT_GET];
  if (isRoot) return command;
  return hasSudo ? [SUDO, "-n", ...command] : undefined;
}

/**
 * Says what a person can do where no adapter answers.
 *
 * @param os Operating system, as in `Deno.build.os`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.match(advice("linux"), /vulkan-swrast \(Arch\)/);
 * ```
 */
export function advice(os: string): string {
  if (os !== "linux") return "update the graphics driver";
  return `install a Vulkan driver: ${PACKAGE} (Debian, Ubuntu, Fedora), vulkan-swrast (Arch), ` +
    "mesa-vulkan-swrast (Alpine)";
}

function dropLoaderVariables(): void {
  // A process that may run only named programs may not hand these on.
  for (const name of ["LD_LIBRARY_PATH", "LD_PRELOAD"]) Deno.env.delete(name);
}

async function run([command = "", ...args]: readonly string[]) {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
    const decoder = new TextDecoder();
    return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { success: false, text: `${command} is not there` };
  }
}

async function findApt(): Promise<string[] | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const isRoot = Deno.uid() === 0;
  return aptCommand({
    os: Deno.build.os,
    hasApt: (await run([APT_GET, "--version"])).success,
    isRoot,
    hasSudo: !isRoot && (await run([SUDO, "-n", "true"])).success,
  });
}

async function install(apt: readonly string[]): Promise<void> {
  const update = await run([...apt, "update"]);
  const installed = await run([...apt, "install", "-y", "--no-install-recommends", PACKAGE]);
  if (installed.success) return;
  throw new Error(
    `Cannot install ${PACKAGE}: apt-get failed with\n${update.text}${installed.text}`,
  );
}

async function setUp(
  { mayInstall, allowsSoftware }: { mayInstall: boolean; allowsSoftware: boolean },
): Promise<void> {
  const adapter = await requestAdapter();
  if (adapter !== null && allowsSoftware) return;
  const hidden = await describeHidden(adapter);
  if (hidden !== null) throw new Error(`Cannot set up: ${hidden}`);
  if (adapter !== null) return;
  dropLoaderVariables();
  const apt = mayInstall ? await findApt() : undefined;
  if (apt === undefined) throw new Error(`Cannot find a WebGPU adapter: ${advice(Deno.build.os)}`);
  say(`No WebGPU adapter was found: installing ${PACKAGE}`);
  await install(apt);
  if ((await run(["deno", "eval", LOOK])).success) return;
  throw new Error(`Cannot find a WebGPU adapter: none answers with ${PACKAGE} installed either`);
}

const OPTIONS = ["--no-install", "--allow_software"];

if (import.meta.main) {
  const has = (option: string) => Deno.args.includes(option);
  const unknown = Deno.args.find((argument) => !OPTIONS.includes(argument));
  if (unknown !== undefined) {
    say(`Cannot set up: the only options are ${OPTIONS.join(" and ")}, found ${unknown}`);
    Deno.exit(2);
  }
  try {
    const [mayInstall, allowsSoftware] = [!has("--no-install"), has("--allow_software")];
    await setUp({ mayInstall, allowsSoftware });
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
