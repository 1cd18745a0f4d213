/**
 * What stands for a task in the tests of `tasks/launch`: `launch_run.ts SCENE [FLAGS OF CIFAR]`.
 *
 * @module
 */
import { openMpi } from "../../lib/mpi/open_mpi.ts";
import { runCommand } from "../../tasks/command_line/options.ts";
import { StopSignals } from "../../tasks/command_line/stop_signals.ts";
import { CARD_VARIABLES } from "../../tasks/launch/choose_card.ts";
import { launch } from "../../tasks/launch/launch.ts";
import { readVariable } from "../../tasks/launch/program.ts";
import { parseCifar } from "../../tasks/training/cifar_options.ts";

/** Exchanges until a signal has come to a rank, and saves for a while. */
async function work(): Promise<number> {
  using stop = new StopSignals();
  await using world = await openMpi({ timeoutSeconds: 20 });
  console.error(`rank ${world.rank} ${Deno.pid}`);
  const stopped = Uint32Array.of(0);
  while (stopped[0] === 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    stopped[0] = stop.signal.aborted ? 1 : 0;
    await world.max(stopped);
  }
  await new Promise((resolve) => setTimeout(resolve, 2500));
  console.error(`rank ${world.rank} saved`);
  return stop.exitCode;
}

/** Says what a rank is; the second one fails if it is told to. */
async function speak(code: number): Promise<number> {
  await using world = await openMpi({ timeoutSeconds: 20 });
  const { rank, size, localRank } = world;
  const chosen = CARD_VARIABLES.filter((name) => readVariable(name) !== undefined);
  console.log(`rank ${rank} of ${size}, ${localRank} here, chose by ${chosen.join() || "nothing"}`);
  await world.barrier();
  return rank === 1 ? code : 0;
}

await runCommand(async ([scene, ...argv]) => {
  const command = parseCifar(argv);
  if (command.kind === "print") return 3;
  if (readVariable("SLURM_PROCID") === undefined) console.error(`process ${Deno.pid}`);
  const launched = await launch("cifar", command.launch ?? {});
  if (launched !== null) return launched;
  if (scene === "alone") {
    console.log("goes on alone");
    return 0;
  }
  return scene === "work" ? await work() : await speak(scene === "fail" ? 7 : 0);
});
