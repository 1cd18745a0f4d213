/**
 * Trains a wide ResNet on CIFAR or on the built-in shapes, alone or from a teacher: `deno task cifar --help`.
 *
 * @module
 */
import { parseCifar } from "./training/cifar_options.ts";
import { runCommand } from "./command_line/options.ts";
import { print } from "./command_line/screen.ts";
import { launch } from "./launch/launch.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const command = parseCifar(argv);
    if (command.kind === "print") {
      print(command.text.trimEnd());
      return 0;
    }
    const launched = await launch("cifar", command.launch ?? {}, argv);
    if (launched !== null) return launched;
    // Loaded late, so that --help and a mistyped flag are answered at once.
    const { CIFAR_TASK } = await import("./training/cifar_task.ts");
    const { runTask } = await import("./training/run_task.ts");
    return await runTask(CIFAR_TASK, command);
  });
}
