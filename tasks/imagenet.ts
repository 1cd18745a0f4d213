/**
 * Trains a ResNet on ImageNet or any folder of images, alone or from a teacher: `deno task imagenet --help`.
 *
 * @module
 */
import { parseImageNet } from "./imagenet_options.ts";
import { runCommand } from "./options.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const command = parseImageNet(argv);
    if (command.kind === "print") {
      console.log(command.text.trimEnd());
      return 0;
    }
    // Loaded late, so that --help and a mistyped flag are answered at once.
    const { IMAGENET_TASK } = await import("./imagenet_task.ts");
    const { runTask } = await import("./run_task.ts");
    return await runTask(IMAGENET_TASK, command);
  });
}
