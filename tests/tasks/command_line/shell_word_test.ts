import assert from "node:assert/strict";
import { shellWord } from "../../../tasks/command_line/shell_word.ts";

Deno.test({
  name: "shellWord: a shell reads back what was written",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const words = [
      "run 1",
      "it's",
      '"so"',
      "$HOME",
      "`id`",
      "a;b",
      "~/x",
      "*",
      "",
      "a\\b",
      "ü",
      "!1",
    ];
    const plain = ["resnet_16_1", "--save=~/x", "[60,120]", "1e-3", "a/b.c"];
    const line = [...words, ...plain].map(shellWord).join(" ");
    const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\n' ${line}`] })
      .output();
    assert.deepEqual(new TextDecoder().decode(stdout).split("\n").slice(0, -1), [
      ...words,
      ...plain,
    ]);
    assert.deepEqual(["--save=~/x", "a/b.c"].map(shellWord), ["--save=~/x", "a/b.c"]);
    for (const word of ["~/x", "=x", "[60]"]) assert.equal(shellWord(word), `'${word}'`);
  },
});
