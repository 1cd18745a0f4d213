/**
 * Looks for races in every distinct dispatch that the tests of ops and three training steps make on a card, and prints a
 * line for each. An argument, a regular expression, chooses among `kernel.entry`.
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
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  "training steps": ["run", ...PERMISSIONS, `${HERE}steps_run.ts`],
  "tests of ops": [
    "test",
    ...PERMISSIONS,
    "--allow-ffi",
    `--preload=${HERE}capture_ops.ts`,
    new URL("../ops", import.meta.url).pathname,
  ],
};

function nameOf({ kernel, entry }: CapturedDispatch): string {
  return `${kernel}.${entry}`;
}

const [pattern = "", ...rest] = Deno.args;
const { ignore, note } = await findLayerCompiler();
if (rest.length > 0 || ignore) {
  console.error(
    ignore
      ? `Cannot look for races: the posing layer cannot be built${note}`
      : `Cannot look for races: wanted one pattern at most, found ${Deno.args.length}`,
  );
  Deno.exit(1);
}
const filter = new RegExp(pattern);
const reported = new Set<string>();
for (const [source, args] of Object.entries(SOURCES)) {
  await using capture = await captureFrom(args);
  if (capture.code !== 0) {
    console.error(`Cannot look for races: the ${source} ended with ${capture.code}`);
    Deno.exit(1);
  }
  const dispatches = capture.dispatches.filter((dispatch) => filter.test(nameOf(dispatch)));
  let [ran, total] = [0, 0];
  for (const dispatch of dispatches) {
    const program = await capture.programOf(dispatch);
    for (const { what, how } of findFaults(program, dispatch, { most: MOST })) {
      const fault = `${nameOf(dispatch)}: ${what}`;
      if (!reported.has(fault)) console.log(`${fault}: ${how}; ${dispatch.label}`);
      reported.add(fault);
    }
    const workgroups = dispatch.grid.reduce((product, along) => product * along, 1);
    total += workgroups;
    ran += Math.min(workgroups, MOST);
  }
  const entries = new Set(dispatches.map(nameOf)).size;
  console.log(
    `${source}: ${dispatches.length} dispatches of ${entries} entry points, ${ran} of ${total} workgroups, at most ${MOST} of a dispatch`,
  );
}
console.log(`${reported.size} faults`);
Deno.exit(reported.size === 0 ? 0 : 1);
