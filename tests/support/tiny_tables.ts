import { dirname } from "node:path";

const TINY = {
  depth: 10,
  width: 0.25,
  dataset: "shapes",
  train_images: 16,
  batch_size: 8,
  epochs: 4,
  epoch_step: [3],
};

/** A table of two rows whose runs take a moment: a network alone, and one that learns from it. */
export const TINY_TABLES: Readonly<Record<string, unknown>> = {
  "table1/table.json": {
    title: "A tiny table",
    source: "nobody",
    seeds: 2,
    rows: ["taught", "alone"],
    notes: ["Nothing is published."],
  },
  "table1/alone.json": {
    label: "alone",
    paper: { error: 90 },
    task: "cifar",
    settings: TINY,
    seeds: 1,
  },
  "table1/taught.json": {
    label: "taught",
    paper: { error: 80, accuracy: 20 },
    task: "cifar",
    teacher: "table1/alone",
    settings: { ...TINY, beta: 10 },
    notes: ["Beta is made up."],
  },
  "table2/table.json": { title: "Another", source: "nobody", seeds: 1, rows: ["same"] },
  "table2/same.json": { label: "as there", paper: { error: 70 }, same: "table1/taught" },
};

/** Writes {@link TINY_TABLES}, some of them otherwise; a text is written as it is, and `undefined` not at all. */
export async function writeTinyTables(
  folder: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  for (const [name, value] of Object.entries({ ...TINY_TABLES, ...changes })) {
    if (value === undefined) continue;
    await Deno.mkdir(dirname(`${folder}/${name}`), { recursive: true });
    const text = typeof value === "string" ? value : JSON.stringify(value);
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}
