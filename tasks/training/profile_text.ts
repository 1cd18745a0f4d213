import { isInPlace, nameOf } from "../../lib/gpu/kernel.ts";
import type { KernelCost } from "../../lib/gpu/profiler.ts";
import type { ExchangeProfile } from "../../lib/train/profile_exchange.ts";
import type { StepProfile } from "../../lib/train/profile_step.ts";
import { alignTable } from "../command_line/align_table.ts";

const MOST_TENSORS = 12;

/** Words a profile for a terminal: what the step costs in all, its kernels, and its memory. */
export function formatProfile(
  profile: StepProfile,
  { title, adapter, exchange = null }: {
    title: string;
    adapter: string;
    exchange?: ExchangeProfile | null;
  },
): string {
  const hasTimes = profile.kernels.some(({ seconds }) => seconds !== null);
  return [
    [`${title}, one step of ${profile.images} images, on ${adapter}`],
    summaryOf(profile, { hasTimes }),
    hasTimes ? [] : ["This adapter has no timestamps: the time of each kernel is not known."],
    [
      ...kernelTable(profile),
      "MB: each tensor of a dispatch once; caches may beat the ceiling of memory.",
    ],
    memoryTable(profile),
    exchange === null ? [] : exchangeText(exchange),
  ].filter((part) => part.length > 0).map((lines) => lines.join("\n")).join("\n\n");
}

function exchangeText(
  { ranks, bytes, stepSeconds, exchangeSeconds, waitedSeconds }: ExchangeProfile,
): string[] {
  const overlap = 1 - waitedSeconds / exchangeSeconds;
  return [
    `${ranks} ranks: ${milliseconds(stepSeconds)} ms a step; each gives away ${
      significant(bytes / 1e6)
    } MB of gradients, which is done ${
      milliseconds(waitedSeconds)
    } ms after the last dispatch was ` +
    `submitted (${percent(overlap)} of the exchange goes on meanwhile)`,
  ];
}

function summaryOf(profile: StepProfile, { hasTimes }: { hasTimes: boolean }): string[] {
  const { seconds, images, encodeSeconds, ceilings, kernels, plan, firstStepAt } = profile;
  const flop = kernels.reduce((sum, kernel) => sum + kernel.flop, 0);
  const bytes = kernels.reduce((sum, kernel) => sum + kernel.bytes, 0);
  const clock = hasTimes ? "by its own clock, in one pass" : "by the wall clock";
  const rate = (amount: number, { unit, ceiling }: { unit: string; ceiling: number }) =>
    `${giga(amount)} ${unit}; ${giga(amount / seconds)} ${unit}/s, ` +
    `${percent(amount / seconds / ceiling)} of ${giga(ceiling)}`;
  const apart = kernels.reduce((sum, kernel) => sum + (kernel.seconds ?? NaN), 0);
  return alignTable([
    [
      "dispatches",
      `${plan.dispatches.length}, one pass, one submit; ` +
      `${plan.fused.length} of them merged, marked + below`,
    ],
    [
      "CPU",
      `${milliseconds(encodeSeconds.median)} ms to encode and submit (median of ` +
      `${encodeSeconds.n}, quartile ${milliseconds(encodeSeconds.low)}; GPU idle)`,
    ],
    [
      "GPU",
      `${milliseconds(seconds)} ms, ${Math.round(images / seconds)} images/s (${clock})` +
      (hasTimes ? `; ${milliseconds(apart)} ms dispatch by dispatch` : ""),
    ],
    ["arithmetic", rate(flop, { unit: "GFLOP", ceiling: ceilings.flopPerSecond })],
    ["memory traffic", rate(bytes, { unit: "GB", ceiling: ceilings.bytesPerSecond })],
    ["first step", `over ${firstStepAt.toFixed(2)} s after the start of the process`],
  ], { right: [] });
}

function kernelTable({ kernels, ceilings }: StepProfile): string[] {
  const total = kernels.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
  const row = ({ name, dispatches, seconds, bytes, flop }: KernelCost): string[] => {
    const known = [name, `${dispatches}`, flop === 0 ? "" : giga(flop), significant(bytes / 1e6)];
    if (seconds === null) return known;
    return [
      ...known,
      milliseconds(seconds),
      percent(seconds / total),
      flop === 0 ? "" : giga(flop / seconds),
      flop === 0 ? "" : percent(flop / seconds / ceilings.flopPerSecond),
      giga(bytes / seconds),
      percent(bytes / seconds / ceilings.bytesPerSecond),
    ];
  };
  const columns = ["kernel", "dispatches", "GFLOP", "MB"];
  const timed = ["ms", "share", "GFLOP/s", "of ceiling", "GB/s", "of ceiling"];
  const hasTimes = kernels.some(({ seconds }) => seconds !== null);
  const header = hasTimes ? [...columns, ...timed] : columns;
  return alignTable([header, ...kernels.map(row)], { right: header.keys().drop(1).toArray() });
}

function memoryTable({ plan, peak }: StepProfile): string[] {
  const dispatch = plan.dispatches[peak.at];
  const where = dispatch === undefined ? "the end" : nameOf(dispatch);
  const shown = peak.tensors.slice(0, MOST_TENSORS);
  const rest = peak.tensors.slice(MOST_TENSORS);
  const rows = shown.map(({ label, shape, count, bytes }) => [
    label,
    `[${shape.join(", ")}]`,
    `${count}`,
    mega(bytes),
  ]);
  const others = rest.length === 0 ? [] : [[
    "others",
    "",
    `${rest.reduce((sum, { count }) => sum + count, 0)}`,
    mega(rest.reduce((sum, { bytes }) => sum + bytes, 0)),
  ]];
  return [
    `intermediate tensors: ${mega(plan.peakBytes)} MB in ${plan.buffers.length} buffers, ` +
    `${mega(plan.intermediateBytes)} MB without sharing; ` +
    `${plan.dispatches.filter(isInPlace).length} dispatches write in place`,
    `alive at the peak, dispatch ${peak.at} (${where}): ${mega(peak.bytes)} MB`,
    ...alignTable([["tensor", "shape", "count", "MB"], ...rows, ...others], { right: [2, 3] }),
  ];
}

function milliseconds(seconds: number): string {
  return significant(1000 * seconds);
}

function giga(value: number): string {
  return significant(value / 1e9);
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Three digits, at most three of them after the point. */
function significant(value: number): string {
  return value.toFixed(Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(Math.abs(value) || 1)))));
}
