import type { RealType, Summary } from "../../mod.ts";

/** A pass of a convolution. */
export const PASSES = ["forward", "input gradient", "weight gradient"] as const;

/** One of {@link PASSES}. */
export type Pass = typeof PASSES[number];

/** What a line of the result says. */
export type Row =
  | MachineRow
  | { kind: "ceiling"; name: "multiply-add" | "copy"; unit: string; per_second: Summary }
  | KernelRow
  | StepRow
  | SizeRow
  | PeerKernelRow
  | PeerStepRow
  | BoundRow
  | { kind: "failure"; what: string; message: string };

/** Where the run took place. */
export interface MachineRow {
  kind: "machine";
  adapter: string;
  vendor: string;
  is_software: boolean;
  deno: string;
  target: string;
  cores: number;
  version: string;
  date: string;
  command: string;
}

/** A training step of ours at one of several batch sizes, timed in turns. */
export interface SizeRow {
  kind: "size";
  step: string;
  batch: number;
  ms_an_image: Summary;
  /** Over the time of an image at the first size. */
  times_first: Summary;
}

/** One kernel of ours; `share` is of the multiply-add ceiling, measured in turns with it. */
export interface KernelRow {
  kind: "kernel";
  convolution: string;
  pass: Pass;
  networks: readonly string[];
  dtype: RealType;
  batch: number;
  /** Which variant of our kernels ran; null where there is no choice. */
  variant: string | null;
  ms: Summary;
  gflop_per_second: Summary;
  gb_per_second: Summary;
  share: Summary;
}

/** One training step of ours; `share` counts the model's operations only. */
export interface StepRow {
  kind: "step";
  step: string;
  student: string;
  teacher: string | null;
  loss: string;
  dtype: RealType;
  batch: number;
  gflop: number;
  dispatches: number;
  peak_mib: number;
  ms: Summary;
  images_per_second: number;
  gflop_per_second: Summary;
  share: Summary;
}

/** A convolution of a peer's; `ratio` is its time over ours, measured in turns. */
export interface PeerKernelRow {
  kind: "peer kernel";
  peer: string;
  convolution: string;
  pass: Pass;
  batch: number;
  ms: Summary;
  ours_ms: Summary;
  ratio: Summary;
  /** The largest difference from ours, as a part of the largest value. */
  difference: number;
}

/** A step of a peer's; `ratio` is its time over ours. */
export interface PeerStepRow {
  kind: "peer step";
  peer: string;
  step: string;
  batch: number;
  ms: Summary;
  ours_ms: Summary;
  ratio: number;
  /** How far the losses of the first steps are apart, as a part of the loss; null where they were not compared. */
  difference: number | null;
}

/** A figure beside what the project wants of it. */
export interface BoundRow {
  kind: "bound";
  item: number;
  what: string;
  value: number;
  /** Null where the figure is only to be shown. */
  bound: number | null;
  aim: number | null;
  /** Whether a larger value is better. */
  at_least: boolean;
  holds: boolean | null;
}

const KINDS: ReadonlySet<unknown> = new Set<Row["kind"]>([
  "machine",
  "ceiling",
  "kernel",
  "step",
  "size",
  "peer kernel",
  "peer step",
  "bound",
  "failure",
]);

/** Reads a line of JSON; `null` where it is not an object. */
export function parseLine(line: string): object | null {
  if (!line.startsWith("{")) return null;
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" ? parsed : null;
  } catch {
    return null;
  }
}

/** Whether an object is a row: by its kind, since only this project's peers print such. */
export function isRow(value: object): value is Row {
  return "kind" in value && KINDS.has(value.kind);
}
