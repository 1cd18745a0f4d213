import assert from "node:assert/strict";
import { parsePack } from "../../tasks/pack_options.ts";

Deno.test("parsePack: reads folders and flags", () => {
  assert.deepEqual(parsePack(["/in", "/out"]), {
    kind: "pack",
    folder: "/in",
    options: {
      ...{ out: "/out", size: 256, quality: 95, shardImages: 1024, onBad: "error", raw: false },
    },
  });
  const given = parsePack([
    "/in",
    "/out",
    "--raw",
    "--shard-images=7",
    "--on_bad",
    "skip",
    "--workers",
    "3",
  ]);
  assert.deepEqual(given.kind === "pack" && given.options, {
    ...{
      out: "/out",
      size: 256,
      quality: 95,
      shardImages: 7,
      onBad: "skip",
      raw: true,
      workers: 3,
    },
  });
  const help = parsePack(["--help"]);
  assert.ok(help.kind === "print" && help.text.includes("--shard_images"));
});

Deno.test("parsePack: refuses what it cannot do", () => {
  const cases: [string[], RegExp][] = [
    [["in"], /expected a folder to read and a folder to write, found 1 names/],
    [["a", "b", "c"], /found 3 names/],
    [["a", "b", "--quality", "101"], /Cannot read --quality: expected 1 to 100, found 101/],
    [["a", "b", "--size", "0"], /Cannot read --size: expected 1 to 8192, found 0/],
    [["a", "b", "--on_bad", "skipp"], /the nearest is skip/],
  ];
  for (const [argv, message] of cases) assert.throws(() => parsePack(argv), message);
});
