/**
 * Converts a file of weights, or lists what is in it: `deno task convert --help`.
 *
 * @module
 */
import { convert } from "./convert_run.ts";
import { parseConvert } from "./convert_options.ts";
import { runCommand } from "./command_line/options.ts";
import { print } from "./command_line/screen.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const command = parseConvert(argv);
    print(command.kind === "print" ? command.text.trimEnd() : await convert(command));
    return 0;
  });
}
