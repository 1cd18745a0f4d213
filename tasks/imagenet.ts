/**
 * Trains a ResNet on ImageNet or any folder of images, alone or from a teacher: `deno task imagenet --help`.
 *
 * @module
 */
import { parseImageNet } from "./training/imagenet_options.ts";
import { runCommand } from "./command_line/options.ts";
import { print } from "./command_line/screen.ts";
import { launch } from "./launch/launch.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const command = parseImageNet(argv);
    if (command.kind === "print") {
      print(command.text.trimEnd());
      return 0;
    }
    const launched = await launch("imagenet", command.launch ?? {}, argv);
    if (launched !== null) return launched;
    // Loaded late, so that --help and a mistyped flag are answered at once.
    const { IMAGENET_TASK } = await import("./training/imagenet_task.ts");
    const { runTask } = await import("./training/run_task.ts");
    return await runTask(IMAGENET_TASK, command);
  });
}
