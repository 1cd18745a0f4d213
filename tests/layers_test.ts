import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { type Edge, violations } from "./layers.ts";
import { readGraph } from "./project_graph.ts";

const ROOT = join(import.meta.dirname ?? ".", "..");

function edge(from: string, to: string): Edge {
  return { from, to };
}

async function withProject(
  files: Record<string, string>,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
      await Deno.writeTextFile(join(folder, path), text);
    }
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("layers: this project keeps the rule", async () => {
  const graph = await readGraph(ROOT);
  assert.deepEqual(violations(graph), []);
  assert.ok(graph.edges.length > 0);
});

Deno.test("violations: imports sideways and downwards are fine", () => {
  const edges = [
    edge("mod.ts", "lib/ops/relu.ts"),
    edge("lib/gradients.ts", "lib/ops/relu.ts"),
    edge("lib/ops/relu.ts", "lib/ops/shapes.ts"),
    edge("lib/ops/relu.ts", "lib/tape.ts"),
    edge("lib/ops/relu.ts", "kernels/relu.wgsl"),
    edge("tasks/cifar.ts", "mod.ts"),
  ];
  assert.deepEqual(violations({ files: [], roots: ["mod.ts"], edges }), []);
});

Deno.test("violations: each import of something above is one", () => {
  const up = [
    edge("lib/gpu/kernel.ts", "lib/tape.ts"),
    edge("lib/mpi/world.ts", "lib/gpu/device.ts"),
    edge("lib/mpi/world.ts", "lib/train/fit.ts"),
    edge("lib/ops/relu.ts", "lib/gradients.ts"),
    edge("lib/optim/sgd.ts", "lib/weights/names.ts"),
    edge("lib/train/fit.ts", "data/cifar.ts"),
    edge("data/cifar.ts", "mod.ts"),
    edge("mod.ts", "tasks/cifar.ts"),
  ];
  assert.deepEqual(
    violations({ files: [], roots: [], edges: up }),
    up.map(({ from, to }) => `${from} imports ${to}, which stands above it`),
  );
});

Deno.test("violations: nothing imports from tests", () => {
  const edges = [edge("tasks/doctor.ts", "tests/reference.ts")];
  assert.deepEqual(violations({ files: [], roots: [], edges }), [
    "tasks/doctor.ts imports tests/reference.ts, a test",
  ]);
});

Deno.test("violations: a file in no known place is one", () => {
  const edges = [edge("mod.ts", "lib/helpers.ts"), edge("mod.ts", "https://example.org/x.ts")];
  assert.deepEqual(violations({ files: ["setup.ts"], roots: ["mod.ts", "setup.ts"], edges }), [
    "setup.ts is in no known place",
    "lib/helpers.ts is in no known place",
    "https://example.org/x.ts is in no known place",
  ]);
});

Deno.test("violations: a file that nothing reaches is one", () => {
  const files = ["mod.ts", "lib/ops/relu.ts", "kernels/relu.wgsl"];
  const edges = [edge("mod.ts", "lib/ops/relu.ts")];
  assert.deepEqual(violations({ files, roots: ["mod.ts"], edges }), [
    "kernels/relu.wgsl is reached from nowhere",
  ]);
});

Deno.test("readGraph: finds imports of code, types, text and workers, and every file", () =>
  withProject({
    "mod.ts": 'export { a } from "./lib/ops/a.ts";\nimport "node:path";',
    "lib/ops/a.ts":
      'import text from "../../kernels/a.wgsl" with { type: "text" };\nexport const a = text;',
    "kernels/a.wgsl": "alias real = f32;",
    "tasks/run.ts": 'import type { B } from "../lib/gpu/b.ts";\nexport const b: B = 1;\n' +
      'new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });',
    "tasks/worker.ts": 'await import("../mod.ts");',
    "lib/gpu/b.ts": "export type B = number;",
    "lib/gpu/dead.ts": "export const dead = 1;",
    "tests/a_test.ts": 'import "../mod.ts";',
    "logs/x/copy.ts": "",
  }, async (folder) => {
    const graph = await readGraph(folder);
    assert.deepEqual(
      graph.edges.map(({ from, to }) => `${from} ${to}`).sort(),
      [
        "lib/ops/a.ts kernels/a.wgsl",
        "mod.ts lib/ops/a.ts",
        "tasks/run.ts lib/gpu/b.ts",
        "tasks/run.ts tasks/worker.ts",
        "tasks/worker.ts mod.ts",
      ],
    );
    assert.deepEqual(violations(graph), ["lib/gpu/dead.ts is reached from nowhere"]);
  }));

Deno.test("readGraph: an import of a missing file is an error", () =>
  withProject({ "mod.ts": 'import "./lib/gone.ts";' }, async (folder) => {
    await assert.rejects(readGraph(folder), /gone\.ts/);
  }));
