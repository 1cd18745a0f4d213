/**
 * Trains a wide ResNet on CIFAR or on the built-in shapes, alone or from a teacher: `deno task cifar --help`.
 *
 * @module
 */
import { parseCifar } from "./cifar_options.ts";
import { runCommand } from "./options.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const command = parseCifar(argv);
    if (command.kind === "print") {
      console.log(command.text.trimEnd());
      return 0;
    }
    // Loaded late, so that --help and a mistyped flag are answered at once.
    const { CIFAR_TASK } = await import("./cifar_task.ts");
    const { runTask } = await import("./run_task.ts");
    return await runTask(CIFAR_TASK, command);
  });
}
