import assert from "node:assert/strict";
import { parseBench } from "./options.ts";

function optionsOf(...argv: string[]) {
  const parsed = parseBench(argv);
  assert.ok(parsed.kind === "run");
  return parsed.options;
}

Deno.test("parseBench: everything runs unless something is chosen", () => {
  const { kernels, steps, peers, peerTorch } = optionsOf();
  assert.deepEqual([kernels, steps, peers, peerTorch], [true, true, true, null]);
  const chosen = optionsOf("--steps");
  assert.deepEqual([chosen.kernels, chosen.steps, chosen.peers], [false, true, false]);
});

Deno.test("parseBench: a command is its words, a text chooses names that hold it", () => {
  const { peerTorch, isWanted } = optionsOf("--peer-torch", "python3 a.py  --x", "--only=16>16");
  assert.deepEqual(peerTorch, ["python3", "a.py", "--x"]);
  assert.ok(isWanted("3x3 16>16 32x32") && !isWanted("3x3 16>32 32x32"));
  assert.ok(optionsOf().isWanted("anything"));
});

Deno.test("parseBench: quick means fewer samples unless told", () => {
  assert.equal(optionsOf().samples, 7);
  assert.equal(optionsOf("--quick").samples, 3);
  assert.equal(optionsOf("--quick", "--samples", "5").samples, 5);
});

Deno.test("parseBench: float32 unless half is asked for", () => {
  assert.equal(optionsOf().dtype, "f32");
  assert.equal(optionsOf("--dtype=half").dtype, "f16");
});

Deno.test("parseBench: sizes have least values", () => {
  for (const [flag, least] of [["batch", 1], ["samples", 1], ["size", 32]] as const) {
    const found = least - 1;
    assert.throws(() => parseBench([`--${flag}`, String(found)]), {
      name: "UsageError",
      message: `Cannot read --${flag}: expected at least ${least}, found ${found}`,
    });
  }
});

Deno.test("parseBench: --help names every flag", () => {
  const parsed = parseBench(["--help"]);
  assert.ok(parsed.kind === "print");
  const flags = [
    "kernels",
    "steps",
    "peers",
    "loader",
    "only",
    "quick",
    "batch",
    "size",
    "imagenet",
    "dtype",
  ];
  for (const flag of [...flags, "samples", "out", "json", "peer_torch"]) {
    assert.ok(parsed.text.includes(`--${flag}`), flag);
  }
});
