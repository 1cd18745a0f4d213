import { H100, posingAs } from "../support/posing_layer/posing_layer.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { type CapturedDispatch, readCapture } from "./capture.ts";
import { readProgram } from "./check_dispatch.ts";
import type { Program } from "./run_dispatch.ts";

/** What a process noted. */
export interface Capture extends AsyncDisposable {
  readonly dispatches: readonly CapturedDispatch[];
  /** The compiled module of one of them. */
  readonly programOf: (dispatch: CapturedDispatch) => Promise<Program>;
  /** How the process ended. */
  readonly code: number;
}

/**
 * Runs Deno as if on a card, and gives the dispatches that it notes.
 *
 * @param args Deno's arguments.
 * @param options.idle Whether the card computes nothing.
 */
export async function captureFrom(
  args: readonly string[],
  { idle }: { idle: boolean },
): Promise<Capture> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await tempFolder());
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: await posingAs(H100, { idle, modules: path }),
    stdin: "null",
    stdout: "null",
  }).output();
  const dispatches = await readCapture(path);
  const programs = new Map<string, Promise<Program>>();
  const programOf = ({ module }: CapturedDispatch) => {
    const program = programs.get(module) ?? readProgram(`${path}/${module}`);
    programs.set(module, program);
    return program;
  };
  const kept = made.move();
  return { dispatches, programOf, code, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
