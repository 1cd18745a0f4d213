import { type Outcome, runTask, type Task } from "./command.ts";
import { isOnCard } from "./gpu.ts";
import { findLayerCompiler, H100, type Posing, posingAs } from "./posing_layer/posing_layer.ts";

const found = await isOnCard()
  ? { ignore: true, note: " (ignored: a card need not pose as one)" }
  : await findLayerCompiler();

/** Declares a test whose processes pose as a card; it is ignored where the layer cannot be built. */
export function testAsCard(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name}${found.note}`, ignore: found.ignore, fn });
}

/** Where a task poses as a card, and what goes wrong on it. */
export interface CardPlace extends Posing {
  /** The folder. */
  readonly cwd: string;
  /** What the card has otherwise than {@link H100}. */
  readonly card?: Partial<typeof H100>;
}

/** Runs a task to its end in a process that sees an H100. */
export async function runAsCard(
  task: Task,
  args: readonly string[],
  { cwd, card, ...posing }: CardPlace,
): Promise<Outcome> {
  return await runTask(task, args, { cwd, env: await posingAs({ ...H100, ...card }, posing) });
}
