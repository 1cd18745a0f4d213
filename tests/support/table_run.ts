/**
 * Does what `deno task table` does with the tables of the folder `tables` in place of the project's.
 *
 * @module
 */
import { runCommand } from "../../tasks/command_line/options.ts";
import { listTable } from "../../tasks/table/table_list.ts";
import { parseTable } from "../../tasks/table/table_options.ts";
import { trainTable } from "../../tasks/table/table_run.ts";

await runCommand(async (argv) => {
  const command = parseTable(argv);
  if (command.kind === "print") throw new TypeError("Cannot print: there is nothing to test");
  const { request } = command;
  return command.kind === "list"
    ? await listTable(request, { folder: "tables", isTimed: command.isTimed })
    : await trainTable(request, { folder: "tables" });
});
