/**
 * Times kernels and training steps, beside ceilings and peers: `deno task bench --help`.
 *
 * @module
 */
import { runCommand } from "../../tasks/command_line/options.ts";
import { parseBench } from "./options.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const parsed = parseBench(argv);
    if (parsed.kind === "print") {
      console.log(parsed.text.trimEnd());
      return 0;
    }
    if (parsed.options.loader) {
      const { runLoaderBench } = await import("./loader.ts");
      return await runLoaderBench(parsed.options);
    }
    const { runBench } = await import("./run.ts");
    return await runBench(parsed.options);
  });
}
