import assert from "node:assert/strict";
import { testGpu } from "../support/gpu.ts";
import { runTask } from "../support/command.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { isRow, parseLine } from "./rows.ts";

const cwd = import.meta.dirname ?? ".";

Deno.test("bench: times one kernel against the ceilings, as lines and as tables", async () => {
  await using folder = await tempFolder();
  const out = `${folder.path}/made/lines.jsonl`;
  const args = ["--kernels", "--only", "3x3 16>16", "--batch=1", "--samples=3", "--quick"];
  const { code, stdout, stderr } = await runTask("bench", [...args, "--out", out, "--json"], {
    cwd,
  });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(await Deno.readTextFile(out), stdout);
  const rows = stdout.trimEnd().split("\n").map((line) => parseLine(line) ?? {}).filter(isRow);
  const { isSoftware } = (await testGpu()).adapter;
  assert.deepEqual(
    rows.map(({ kind }) => kind),
    [
      ...["machine", "ceiling", "ceiling", "kernel", "kernel", "kernel"],
      ...(isSoftware ? ["bound", "bound"] : []), // a card's are for its wide layers and its steps
    ],
  );
  for (const row of rows) {
    if (row.kind !== "kernel") continue;
    assert.equal(row.convolution, "3x3 16>16 32x32");
    assert.deepEqual(row.networks, ["WRN-16-1"]);
    assert.equal(row.ms.n, 3);
    const flop = 2 * 32 * 32 * 9 * 16 * 16;
    const wanted = flop / row.ms.median / 1e6;
    assert.ok(Math.abs(row.gflop_per_second.median / wanted - 1) < 1e-6);
    assert.ok(row.share.median > 0.001 && row.share.median < 1, `share ${row.share.median}`);
  }
});

Deno.test("bench: a mistyped flag is one line and exit code 2", async () => {
  for (
    const [args, message] of [
      [["--kernel"], /^error: .*the nearest is --kernels\n$/],
      [["--samples=0"], /^error: Cannot read --samples: expected at least 1, found 0\n$/],
      [["--peer-torch="], /^error: Cannot read --peer_torch: expected a command, found ""\n$/],
    ] as const
  ) {
    const { code, stdout, stderr } = await runTask("bench", args, { cwd });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, message);
  }
});
