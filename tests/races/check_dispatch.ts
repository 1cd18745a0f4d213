import { type CapturedDispatch } from "./capture.ts";
import { compile } from "./compile.ts";
import { type Fault, type Program, type Run, runDispatch } from "./run_dispatch.ts";
import { readModule } from "./spirv.ts";

/** The sizes that subgroups of cards have. */
const SUBGROUPS = [8, 32, 64] as const;

/** Reads and compiles a module that the posing layer has kept. */
export async function readProgram(path: string): Promise<Program> {
  const module = readModule(new Uint32Array((await Deno.readFile(path)).buffer));
  return { module, around: compile(module) };
}

/** Where a run's results have other bits than those of the first. */
function differences(first: Run, run: Run): Fault[] {
  return [...run.contents].flatMap(([binding, bytes]) => {
    const wanted = first.contents.get(binding) ?? [];
    const at = bytes.findIndex((byte, at) => byte !== wanted[at]);
    if (at < 0) return [];
    const what = `binding ${binding}: other bits than with subgroups of ${SUBGROUPS[0]}`;
    return [{ what, how: `byte ${at}` }];
  });
}

/**
 * Runs a dispatch at each subgroup size, in another order of invocations each, and wants the same bits.
 *
 * @param options.most The most workgroups that are run.
 * @returns Its faults, as they are found.
 */
export function* findFaults(
  program: Program,
  dispatch: CapturedDispatch,
  { most }: { most: number },
): Generator<Fault> {
  let first: Run | null = null;
  for (const subgroup of SUBGROUPS) {
    const run = runDispatch(program, dispatch, { subgroup, most, seed: dispatch.label.length });
    first ??= run;
    for (const { what, how } of [...run.faults, ...differences(first, run)]) {
      yield { what, how: `${how}, subgroups of ${subgroup}` };
    }
  }
}
