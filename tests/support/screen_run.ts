/**
 * Prints a result, says something and shows progress, as `--train` does without the result, and ends as a task ends.
 *
 * @module
 */
import { runCommand } from "../../tasks/command_line/options.ts";
import { createDownloadProgress } from "../../tasks/command_line/progress.ts";
import { print, say } from "../../tasks/command_line/screen.ts";

await runCommand(async ([file = "", trains]) => {
  using progress = createDownloadProgress("set", { now: () => Infinity });
  for (let received = 0; received < 3; received++) {
    progress.update({ received });
    progress.note(`note ${received}`);
    // Errors of streams come a turn later.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (trains === undefined) print("result");
  say("said");
  await Deno.writeTextFile(file, "to the end");
  return 0;
});
