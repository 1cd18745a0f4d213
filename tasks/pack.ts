/**
 * Packs a folder of images into shards: `deno task pack --help`.
 *
 * @module
 */
import { openImages } from "../data/open_images.ts";
import { packImages } from "../data/pack/write_pack.ts";
import { runCommand } from "./command_line/options.ts";
import { shortPath } from "./command_line/paths.ts";
import { print, say } from "./command_line/screen.ts";
import { parsePack } from "./pack_options.ts";
import { StopSignals } from "./command_line/stop_signals.ts";

if (import.meta.main) {
  await runCommand(async (argv) => {
    const command = parsePack(argv);
    if (command.kind === "print") {
      print(command.text.trimEnd());
      return 0;
    }
    const { folder, options } = command;
    using signals = new StopSignals();
    const notes: string[] = [];
    const images = await openImages(folder, { onNote: (note) => notes.push(note) });
    const { train, val } = images;
    print(
      `${
        shortPath(folder)
      }: ${train.count} + ${val.count} images of ${train.classes.length} classes`,
    );
    for (const note of notes) print(note);
    try {
      const { images: packed, skipped } = await packImages(images, {
        ...options,
        signal: signals.signal,
        onShard: ({ file, isKept, done, total }) =>
          print(`${done}/${total} ${file}${isKept ? " (kept)" : ""}`),
      });
      for (const [name, reason] of skipped) print(`left out ${name}: ${reason}`);
      print(
        `${shortPath(options.out)}: ${packed} images, ${skipped.size} left out in this run`,
      );
      return 0;
    } catch (error) {
      if (!signals.signal.aborted) throw error;
      say("stopped; the same command goes on where it was");
      return signals.exitCode;
    }
  });
}
