import { summarise } from "../../mod.ts";
import type {
  BoundRow,
  KernelRow,
  PeerKernelRow,
  PeerStepRow,
  Row,
  SizeRow,
  StepRow,
} from "./rows.ts";

/** A bound of the project's, by the number that it has there. */
interface Bound {
  readonly item: number;
  readonly what: string;
  /** Left out where the figure is only to be shown. */
  readonly bound?: number;
  readonly aim?: number;
  /** Whether a smaller value is better. */
  readonly atMost?: boolean;
}

function judge({ item, what, bound, aim, atMost = false }: Bound, values: number[]): BoundRow[] {
  if (values.length === 0) return [];
  const value = atMost ? Math.max(...values) : Math.min(...values);
  const holds = (wanted: number) => atMost ? value <= wanted : value >= wanted;
  return [{
    kind: "bound",
    item,
    what,
    value,
    bound: bound ?? null,
    aim: aim ?? null,
    at_least: !atMost,
    holds: bound === undefined ? null : holds(bound),
  }];
}

/** Whether a convolution is 3x3 with 16 or more channels on both sides. */
export function isJudged(convolution: string): boolean {
  const [, inputs, outputs] = /^3x3 (\d+)>(\d+) /.exec(convolution) ?? [];
  return Math.min(Number(inputs), Number(outputs)) >= 16;
}

/** The bounds are for float32. */
function isFloat({ dtype }: KernelRow | StepRow): boolean {
  return dtype === "f32";
}

function isStrided(convolution: string): boolean {
  return convolution.includes("/");
}

const AT_STEP = "AT WRN-16-1 from WRN-16-2";
const TFJS_BOUNDS = { "forward": 5, "input gradient": 10, "weight gradient": 30 } as const;

function kernelBounds(rows: readonly KernelRow[]): BoundRow[] {
  const shares = (isWanted: (name: string) => boolean) =>
    rows.filter(isFloat).filter(({ convolution }) => isJudged(convolution) && isWanted(convolution))
      .map(({ share }) => share.median * 100);
  const median = (values: number[]) => values.length === 0 ? [] : [summarise(values).median];
  const plain = shares((name) => !isStrided(name));
  const strided = shares(isStrided);
  const what = "% of the ceiling, 3x3 kernels from 16 channels on";
  return [
    ...judge({ item: 2, what: `median ${what}, stride 1`, bound: 22, aim: 40 }, median(plain)),
    ...judge({ item: 2, what: `least ${what}, stride 1`, bound: 12 }, plain),
    ...judge({ item: 2, what: `median ${what}, stride 2` }, median(strided)),
    ...judge({ item: 2, what: `least ${what}, stride 2` }, strided),
  ];
}

function stepBounds(rows: readonly StepRow[]): BoundRow[] {
  const at = rows.filter(isFloat).filter(({ step, batch }) => step === AT_STEP && batch === 128);
  const share = at.map(({ share }) => share.median * 100);
  const what = `% of the ceiling, ${AT_STEP}, batch 128`;
  return judge({ item: 2, what, bound: 16, aim: 25 }, share);
}

/** Time grows with the batch, within 15 %. */
function sizeBounds(rows: readonly SizeRow[]): BoundRow[] {
  if (rows.length < 2) return [];
  const ratios = rows.map(({ times_first }) => times_first.median);
  const batches = rows.map(({ batch }) => batch).join(", ");
  const what = `times the least ms an image at most, ${AT_STEP}, batch ${batches}`;
  const value = Math.max(...ratios) / Math.min(...ratios);
  return judge({ item: 6, what, bound: 1.15, atMost: true }, [value]);
}

function peerBounds(
  kernels: readonly PeerKernelRow[],
  steps: readonly PeerStepRow[],
): BoundRow[] {
  // The convolutions of the wide ResNets.
  const isWide = ({ convolution }: PeerKernelRow) =>
    convolution.startsWith("3x3") && /(32x32|16x16|8x8)(\/2)?$/.test(convolution);
  const ratios = (peer: string, pass?: string) =>
    kernels.filter((row) =>
      row.peer.startsWith(peer) && isWide(row) && (pass === undefined || row.pass === pass)
    ).map(({ ratio }) => ratio.median);
  const of = (isWanted: (peer: string) => boolean, batch: number) =>
    steps.filter((row) => isWanted(row.peer) && row.step === AT_STEP && row.batch === batch)
      .map(({ ratio }) => ratio);
  return [
    ...judge(
      { item: 1, what: `times tfjs, ${AT_STEP}, batch 32`, bound: 9, aim: 15 },
      of((peer) => peer.startsWith("tfjs"), 32),
    ),
    ...Object.entries(TFJS_BOUNDS).flatMap(([pass, bound]) =>
      judge(
        { item: 1, what: `times tfjs at least, 3x3 of the WRNs, ${pass}`, bound },
        ratios("tfjs", pass),
      )
    ),
    ...judge(
      { item: 1, what: "times jax-js at least, 3x3 of the WRNs", bound: 4 },
      ratios("jax"),
    ),
    ...judge(
      {
        item: 3,
        what: `times PyTorch's time, ${AT_STEP}, batch 128`,
        bound: 9,
        aim: 5,
        atMost: true,
      },
      of(isPlainTorch, 128).map((ratio) => 1 / ratio),
    ),
  ];
}

/** Whether a peer is PyTorch as the original code runs it: float32, without TF32, a launch an operation. */
function isPlainTorch(peer: string): boolean {
  return peer.startsWith("torch") && peer.endsWith("fp32 eager");
}

/** On a GPU: the bounds against PyTorch there, and on the wide convolutions. */
function gpuBounds(rows: readonly Row[]): BoundRow[] {
  const steps = rows.filter((row) => row.kind === "step").filter(isFloat);
  const peers = rows.filter((row) => row.kind === "peer step").filter(({ peer }) =>
    isPlainTorch(peer)
  );
  const at = (batch: number) => (row: { step: string; batch: number }) =>
    row.step === AT_STEP && row.batch === batch;
  const wide = rows.filter((row) => row.kind === "kernel").filter(isFloat).filter((
    { convolution },
  ) =>
    isJudged(convolution) && !isStrided(convolution) &&
    Number(/^3x3 (\d+)>/.exec(convolution)?.[1]) >= 128
  );
  return [
    ...judge(
      { item: 8, what: `times PyTorch's images/s, ${AT_STEP}, batch 128`, bound: 1, aim: 2 },
      peers.filter(at(128)).map(({ ratio }) => ratio),
    ),
    ...judge(
      { item: 8, what: `ms, ${AT_STEP}, batch 128`, bound: 2.5, atMost: true },
      steps.filter(at(128)).map(({ ms }) => ms.median),
    ),
    ...judge(
      { item: 9, what: "times PyTorch's images/s, ResNet-18 from ResNet-34", bound: 0.5, aim: 1 },
      peers.filter(({ step }) => step.includes("ResNet-18")).map(({ ratio }) => ratio),
    ),
    ...judge(
      { item: 10, what: "% of the ceiling at least, 3x3 kernels from 128 channels on", bound: 35 },
      wide.map(({ share }) => share.median * 100),
    ),
  ];
}

/** Puts the figures beside what the project wants of them: on two CPU cores, or on a GPU. */
export function boundRows(
  rows: readonly Row[],
  { isSoftware }: { isSoftware: boolean },
): BoundRow[] {
  if (!isSoftware) return gpuBounds(rows);
  return [
    ...kernelBounds(rows.filter((row) => row.kind === "kernel")),
    ...stepBounds(rows.filter((row) => row.kind === "step")),
    ...sizeBounds(rows.filter((row) => row.kind === "size")),
    ...peerBounds(
      rows.filter((row) => row.kind === "peer kernel"),
      rows.filter((row) => row.kind === "peer step"),
    ),
  ];
}
