import assert from "node:assert/strict";
import { resolve } from "node:path";
import { UsageError } from "../../../tasks/command_line/flags.ts";
import { parseTable, type TableRequest } from "../../../tasks/table/table_options.ts";

function requestOf(...argv: string[]): TableRequest {
  const command = parseTable(argv);
  assert.ok(command.kind !== "print");
  return command.request;
}

Deno.test("parseTable: only a table asks for all of it", () => {
  assert.deepEqual(requestOf("2"), {
    table: "table2",
    rows: null,
    seeds: null,
    changes: { dataset: null, train_images: null, epochs: null },
    given: {},
    places: { dataroot: resolve("."), logs: resolve("logs"), nthread: 4 },
    autotune: undefined,
    command: "deno task table 2",
  });
  assert.equal(requestOf("cifar100").table, "cifar100");
});

Deno.test("parseTable: reads every flag, before or after the table", () => {
  const argv = [
    ...["--rows", "none,sum", "--seeds=3", "--epochs", "4", "--dataset=shapes", "5"],
    ...["--train-images", "300", "--dataroot", "/my data", "--logs=/runs", "--nthread", "2"],
    ...["--autotune=full", "--imagenetpath", "/photos", "--teacher_params=a.hkl", "--cub=/c"],
  ];
  assert.deepEqual(requestOf(...argv), {
    table: "table5",
    rows: ["none", "sum"],
    seeds: 3,
    changes: { dataset: "shapes", train_images: 300, epochs: 4 },
    given: { imagenetpath: "/photos", teacher_params: "a.hkl", cub: "/c" },
    places: { dataroot: "/my data", logs: "/runs", nthread: 2 },
    autotune: "full",
    command: `deno task table ${argv.join(" ").replace("/my data", "'/my data'")}`,
  });
  const list = parseTable(["1", "--dry_run"]);
  assert.ok(list.kind === "list" && list.isTimed);
  const counts = parseTable(["1", "--dry-run", "--no-timing"]);
  assert.ok(counts.kind === "list" && !counts.isTimed);
  assert.equal(parseTable(["1"]).kind, "train");
  const help = parseTable(["--help"]);
  assert.ok(help.kind === "print" && help.text.includes("--train_images"));
});

Deno.test("parseTable: refuses what it cannot do", () => {
  const cases: [string[], RegExp][] = [
    [[], /expected one of the tables 1, 2, 3, 4, 5, cifar100, found none$/],
    [["cifar"], /found "cifar"; the nearest is cifar100$/],
    [["1", "2"], /expected only TABLE and flags, found "2"$/],
    [["1", "--seeds", "0"], /--seeds must be a whole number of at least 1, found 0/],
    [["1", "--epochs", "0"], /--epochs must be a whole number of at least 1, found 0/],
    [["1", "--train_images", "-1"], /--train_images must be a whole number of at least 1/],
    [["1", "--rows", "a,,b"], /Cannot read --rows: expected names between commas, found "a,,b"$/],
    [["1", "--dataset", "shape"], /the nearest is shapes$/],
    [["1", "--no_timing"], /^Cannot read --no_timing: expected --dry_run beside it/],
    [["1", "--beta", "3"], /expected a flag, found --beta/],
  ];
  for (const [argv, message] of cases) {
    assert.throws(() => parseTable(argv), (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});
