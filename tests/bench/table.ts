import type { Summary } from "../../mod.ts";
import type { Row } from "./rows.ts";

/** A number with three digits that count. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

function spread({ low, high }: Summary, scale = 1): string {
  return `${digits(low * scale)}-${digits(high * scale)}`;
}

/** Lines up columns; numbers to the right, the first column to the left. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, cell.length));
  }
  return rows.map((row) =>
    row.map((cell, at) => at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0))
      .join("  ").trimEnd()
  );
}

interface Section<K extends Row["kind"]> {
  readonly title: string;
  readonly head: readonly string[];
  readonly cells: (row: Extract<Row, { kind: K }>) => readonly string[];
}

type Table = (rows: readonly Row[]) => string[];

function table<K extends Row["kind"]>(kind: K, { title, head, cells }: Section<K>): Table {
  return (rows) => {
    const own = rows.filter((row): row is Extract<Row, { kind: K }> => row.kind === kind);
    if (own.length === 0) return [];
    return ["", title, ...alignColumns([head, ...own.map(cells)])];
  };
}

const TABLES: Readonly<Record<Exclude<Row["kind"], "machine" | "failure">, Table>> = {
  "ceiling": table("ceiling", {
    title: "Ceilings",
    head: ["", "rate", "quartiles", "n"],
    cells: ({ name, unit, per_second }) => [
      name,
      `${digits(per_second.median / 1e9)} ${unit}`,
      spread(per_second, 1e-9),
      String(per_second.n),
    ],
  }),
  "kernel": table("kernel", {
    title: "Convolutions; the share is of the multiply-add ceiling, measured in turns",
    head: [
      "",
      "variant",
      "type",
      "batch",
      "ms",
      "quartiles",
      "GFLOP/s",
      "GB/s",
      "share",
      "quartiles",
      "n",
    ],
    cells: (
      { convolution, pass, variant, dtype, batch, ms, gflop_per_second, gb_per_second, share },
    ) => [
      `${convolution} ${pass}`,
      variant ?? "",
      dtype,
      String(batch),
      digits(ms.median),
      spread(ms),
      digits(gflop_per_second.median),
      digits(gb_per_second.median),
      `${digits(share.median * 100)} %`,
      spread(share, 100),
      String(ms.n),
    ],
  }),
  "step": table("step", {
    title: "Training steps; operations are those of the model alone",
    head: [
      "",
      "type",
      "batch",
      "ms",
      "quartiles",
      "images/s",
      "GFLOP/s",
      "share",
      "dispatches",
      "MiB",
      "n",
    ],
    cells: (row) => [
      row.step,
      row.dtype,
      String(row.batch),
      digits(row.ms.median),
      spread(row.ms),
      digits(row.images_per_second),
      digits(row.gflop_per_second.median),
      `${digits(row.share.median * 100)} %`,
      String(row.dispatches),
      digits(row.peak_mib),
      String(row.ms.n),
    ],
  }),
  "size": table("size", {
    title: "Training steps by their batch, in turns; the ratio is to the first",
    head: ["", "batch", "ms an image", "quartiles", "ratio", "quartiles", "n"],
    cells: (row) => [
      row.step,
      String(row.batch),
      digits(row.ms_an_image.median),
      spread(row.ms_an_image),
      digits(row.times_first.median),
      spread(row.times_first),
      String(row.ms_an_image.n),
    ],
  }),
  "peer kernel": table("peer kernel", {
    title: "Convolutions of peers; the ratio is their time over ours, measured in turns",
    head: ["", "batch", "ms", "quartiles", "ours", "quartiles", "ratio", "quartiles", "n"],
    cells: ({ peer, convolution, pass, batch, ms, ours_ms, ratio }) => [
      `${peer} ${convolution} ${pass}`,
      String(batch),
      digits(ms.median),
      spread(ms),
      digits(ours_ms.median),
      spread(ours_ms),
      digits(ratio.median),
      spread(ratio),
      String(ratio.n),
    ],
  }),
  "peer step": table("peer step", {
    title: "Training steps of peers; the ratio is their time over ours",
    head: ["", "batch", "ms", "quartiles", "n", "ours", "quartiles", "n", "ratio"],
    cells: ({ peer, step, batch, ms, ours_ms, ratio }) => [
      `${peer} ${step}`,
      String(batch),
      digits(ms.median),
      spread(ms),
      String(ms.n),
      digits(ours_ms.median),
      spread(ours_ms),
      String(ours_ms.n),
      digits(ratio),
    ],
  }),
  "bound": table("bound", {
    title: "What must hold",
    head: ["", "value", "bound", "aim", ""],
    cells: ({ item, what, value, bound, aim, at_least, holds }) => [
      `${item}. ${what}`,
      digits(value),
      bound === null ? "" : `${at_least ? "at least" : "at most"} ${bound}`,
      aim === null ? "" : String(aim),
      holds === null ? "" : holds ? "holds" : "FAILS",
    ],
  }),
};

/** The rows of one kind as lines for a person: a table under a title, nothing where there are none. */
export function tableOf(rows: readonly Row[], kind: Row["kind"]): string[] {
  if (kind !== "machine" && kind !== "failure") return TABLES[kind](rows);
  return rows.flatMap((row) => {
    if (row.kind !== kind) return [];
    if (row.kind === "failure") return [`${row.what}: ${row.message}`];
    if (row.kind !== "machine") return [];
    const { adapter, vendor, cores, deno, version, date } = row;
    return [`${adapter} (${vendor}), ${cores} cores, Deno ${deno}, Pupil ${version}, ${date}`];
  });
}
