/**
 * Looks for races in every distinct dispatch that the tests of ops and three training steps make on a card, and prints a
 * line for each. An argument chooses those whose `kernel.entry` contains it.
 *
 * @module
 */
import { findLayerCompiler } from "../support/posing_layer/posing_layer.ts";
import type { CapturedDispatch } from "./capture.ts";
import { captureFrom } from "./capture_from.ts";
import { findFaults } from "./check_dispatch.ts";

/** The most workgroups of a dispatch that run. */
const MOST = 4;

const PERMISSIONS = ["--no-prompt", "--allow-read", "--allow-write", "--allow-env", "--allow-run"];
const HERE = new URL(".", import.meta.url).pathname;
const SOURCES = [
  {
    name: "training steps",
    args: ["run", ...PERMISSIONS, `${HERE}steps_run.ts`],
    idle: true,
  },
  {
    name: "tests of ops",
    args: [
      "test",
      ...PERMISSIONS,
      "--allow-ffi",
      `--preload=${HERE}capture_ops.ts`,
      new URL("../ops", import.meta.url).pathname,
    ],
    idle: false,
  },
];

function nameOf({ kernel, entry }: CapturedDispatch): string {
  return `${kernel}.${entry}`;
}

/** Checks what one source makes a card do, and prints faults that were not printed before. */
async function check(
  { name, args, idle }: typeof SOURCES[number],
  { pattern, printed }: { pattern: string; printed: Set<string> },
): Promise<void> {
  await using capture = await captureFrom(args, { idle });
  if (capture.code !== 0) throw new Error(`the ${name} ended with ${capture.code}`);
  const dispatches = capture.dispatches.filter((dispatch) => nameOf(dispatch).includes(pattern));
  let [ran, total] = [0, 0];
  for (const dispatch of dispatches) {
    const program = await capture.programOf(dispatch);
    for (const { what, how } of findFaults(program, dispatch, { most: MOST })) {
      const fault = `${nameOf(dispatch)}: ${what}`;
      if (!printed.has(fault)) console.log(`${fault}: ${how}; ${dispatch.label}`);
      printed.add(fault);
    }
    const workgroups = dispatch.grid.reduce((product, along) => product * along, 1);
    total += workgroups;
    ran += Math.min(workgroups, MOST);
  }
  const entries = new Set(dispatches.map(nameOf)).size;
  console.log(
    `${name}: ${dispatches.length} dispatches of ${entries} entry points, ${ran} of ${total} workgroups, at most ${MOST} of a dispatch`,
  );
}

async function main([pattern = "", ...more]: readonly string[]): Promise<number> {
  if (more.length > 0) throw new Error(`wanted one argument at most, found ${more.length + 1}`);
  const { ignore, note } = await findLayerCompiler();
  if (ignore) throw new Error(`the posing layer must be built${note}`);
  const printed = new Set<string>();
  for (const source of SOURCES) await check(source, { pattern, printed });
  console.log(`${printed.size} faults`);
  return printed.size === 0 ? 0 : 1;
}

try {
  Deno.exitCode = await main(Deno.args);
} catch (error) {
  console.error(`Cannot look for races: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
}
