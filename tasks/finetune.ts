/**
 * Fine-tunes a pretrained network on CUB-200-2011, MIT Indoor 67 or any folder of images, alone or from a teacher:
 * `deno task finetune --help`.
 *
 * @module
 */
import { parseFinetune } from "./training/finetune_options.ts";
import { runCommand } from "./command_line/options.ts";
import { print } from "./command_line/screen.ts";
import { launch } from "./launch/launch.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const command = parseFinetune(argv);
    if (command.kind === "print") {
      print(command.text.trimEnd());
      return 0;
    }
    const launched = await launch("finetune", command.launch ?? {}, argv);
    if (launched !== null) return launched;
    // Loaded late, so that --help and a mistyped flag are answered at once.
    const { FINETUNE_TASK } = await import("./training/finetune_task.ts");
    const { runTask } = await import("./training/run_task.ts");
    return await runTask(FINETUNE_TASK, command);
  });
}
