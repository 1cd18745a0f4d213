/**
 * Trains the rows of a table of the paper and sets our numbers beside the published ones: `deno task table --help`.
 *
 * @module
 */
import { runCommand } from "./command_line/options.ts";
import { print } from "./command_line/screen.ts";
import { launch } from "./launch/launch.ts";
import { parseTable } from "./table/table_options.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const command = parseTable(argv);
    if (command.kind === "print") {
      print(command.text.trimEnd());
      return 0;
    }
    // Loaded late, so that --help and a mistyped flag are answered at once.
    if (command.kind === "list") {
      const { listTable } = await import("./table/table_list.ts");
      return await listTable(command.request, command);
    }
    const launched = await launch("table", command.request.launch ?? {}, argv);
    if (launched !== null) return launched;
    const { trainTable } = await import("./table/table_run.ts");
    return await trainTable(command.request);
  });
}
