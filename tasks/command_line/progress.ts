import { SingleBar } from "npm:cli-progress@3.12.0";
import type { Writable } from "node:stream";
import type { TuningState } from "../../lib/gpu/tuner.ts";
import { screen } from "./screen.ts";

/** How far a training run is. */
export interface TrainingState {
  /** The epoch, counted from 1. */
  epoch: number;
  /** Epochs of the run. */
  epochs: number;
  /** Steps of this epoch that are done. */
  step: number;
  /** Steps of an epoch. */
  steps: number;
  /** Training speed. */
  imagesPerSecond: number;
  /** The loss, `null` before one is known. */
  loss: number | null;
  /** The learning rate. */
  learningRate: number;
  /** The part of the time that was spent waiting for images, 0 to 1; nothing where they stay on the GPU. */
  waitingShare?: number;
  /** Seconds to the end of the run. */
  secondsLeft: number;
}

/** How far a download is. */
export interface DownloadState {
  /** Bytes that have come. */
  received: number;
  /** Bytes in all, where the server says so. */
  total?: number | undefined;
}

/** Where a display writes. */
export interface DisplayOptions {
  /** The stream; a bar is drawn where it is a terminal. Default: standard error. */
  stream?: Writable & { isTTY?: boolean };
  /** The clock, in milliseconds. */
  now?: () => number;
}

/** A display of how far something is. */
export interface Progress<State> extends Disposable {
  /** Shows a new state. */
  update(state: State): void;
  /** Writes a line of its own above the bar, or between the lines. */
  note(line: string): void;
  /** Takes the bar away, or writes the last state if it has not been written yet. */
  done(): void;
}

/**
 * Shows how far a training run is: a bar on a terminal; otherwise a line every ten seconds at
 * most, and one for the last state of each epoch.
 *
 * @param options Where it writes.
 * @returns The display; it is done when it is disposed of.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { PassThrough } from "node:stream";
 *
 * const stream = new PassThrough();
 * {
 *   using progress = createProgress({ stream });
 *   progress.note("Training on llvmpipe");
 * }
 * assert.equal(String(stream.read()), "Training on llvmpipe\n");
 * ```
 */
export function createProgress(options: DisplayOptions = {}): Progress<TrainingState> {
  return display(options, (state) => ({
    title: `epoch ${state.epoch}/${state.epochs}`,
    value: state.step,
    total: state.steps,
    details: [
      `step ${state.step}/${state.steps}`,
      `${rounded(state.imagesPerSecond)} images/s`,
      `loss ${state.loss === null ? "-" : String(shortened(state.loss))}`,
      `lr ${rounded(state.learningRate)}`,
      ...waitingWords(state),
      `${wordSeconds(state.secondsLeft)} left`,
    ].join("  "),
  }));
}

/**
 * Shows how far a download is, in the way of {@link createProgress}.
 *
 * @param title What is downloaded.
 * @param options Where it writes.
 * @returns The display; its `update` takes the bytes received and, if known, their total.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { PassThrough } from "node:stream";
 *
 * const stream = new PassThrough();
 * using progress = createDownloadProgress("cifar-10-binary.tar.gz", { stream });
 * progress.update({ received: 4_000_000, total: 170_000_000 });
 * assert.equal(String(stream.read()), "cifar-10-binary.tar.gz  4.0 of 170.0 MB\n");
 * ```
 */
export function createDownloadProgress(
  title: string,
  options: DisplayOptions = {},
): Progress<DownloadState> {
  return display(options, ({ received, total }) => ({
    title,
    value: received,
    total: total ?? Infinity,
    details: total === undefined
      ? `${megabytes(received)} MB`
      : `${megabytes(received)} of ${megabytes(total)} MB`,
  }));
}

/**
 * Shows how far the tuning of kernels is, in the way of {@link createProgress}.
 *
 * @param options Where it writes.
 * @returns The display.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { PassThrough } from "node:stream";
 *
 * const stream = new PassThrough();
 * using progress = createTuningProgress({ stream });
 * progress.update({ done: 12, total: 34, seconds: 7.4 });
 * assert.equal(String(stream.read()), "tuning  12 of 34 kernels, 7 s\n");
 * ```
 */
export function createTuningProgress(options: DisplayOptions = {}): Progress<TuningState> {
  return display(options, ({ done, total, seconds }) => ({
    title: "tuning",
    value: done,
    total,
    details: `${done} of ${total} kernels, ${wordSeconds(seconds)}`,
  }));
}

/** A wait that is worth a word: less is the time that a step's message takes. */
const LEAST_WAIT = 0.05;

function waitingWords({ waitingShare = 0 }: TrainingState): string[] {
  return waitingShare < LEAST_WAIT
    ? []
    : [`${Math.round(100 * waitingShare)} % waiting for images`];
}

interface View {
  title: string;
  value: number;
  total: number;
  details: string;
}

type Payload = Pick<View, "title" | "details">;

interface Bar {
  start(total: number, value: number, payload: Payload): void;
  setTotal(total: number): void;
  update(value: number, payload: Payload): void;
  stop(): void;
}

function display<State>(
  { stream = screen, now = Date.now }: DisplayOptions,
  view: (state: State) => View,
): Progress<State> {
  const surface = stream.isTTY === true ? barOn(stream) : linesOn(stream, now);
  return {
    update: (state) => surface.show(view(state)),
    note: (line) => surface.note(line),
    done: () => surface.done(),
    [Symbol.dispose]: () => surface.done(),
  };
}

interface Surface {
  show(view: View): void;
  note(line: string): void;
  done(): void;
}

function barOn(stream: Writable): Surface {
  const bar: Bar = new SingleBar({
    format: drawBar,
    fps: 4,
    stream,
    clearOnComplete: true,
    linewrap: true,
    gracefulExit: false,
  });
  let last: View | undefined;
  return {
    show: (view) => {
      if (last === undefined) bar.start(view.total, view.value, payload(view));
      else if (last.total !== view.total) bar.setTotal(view.total);
      last = view;
      bar.update(view.value, payload(view));
    },
    note: (line) => {
      if (last !== undefined) bar.stop();
      stream.write(`${line}\n`);
      if (last !== undefined) bar.start(last.total, last.value, payload(last));
    },
    done: () => {
      if (last !== undefined) bar.stop();
      last = undefined;
    },
  };
}

function payload({ title, details }: View): Payload {
  return { title, details };
}

function drawBar(
  _options: unknown,
  { progress, maxWidth }: { progress: number; maxWidth: number },
  { title, details }: Payload,
): string {
  const room = maxWidth - title.length - details.length - 5;
  const width = Math.max(0, Math.min(30, room));
  const filled = Math.round(progress * width);
  return `${title} [${"=".repeat(filled)}${" ".repeat(width - filled)}] ${details}`;
}

function linesOn(stream: Writable, now: () => number): Surface {
  const pause = 10_000;
  let written = -Infinity;
  let title: string | undefined;
  let waiting: string | undefined;
  const flush = () => {
    if (waiting === undefined) return;
    stream.write(`${waiting}\n`);
    written = now();
    waiting = undefined;
  };
  return {
    show: (view) => {
      if (view.title !== title) flush();
      title = view.title;
      waiting = `${view.title}  ${view.details}`;
      if (now() - written >= pause || view.value >= view.total) flush();
    },
    note: (line) => {
      stream.write(`${line}\n`);
    },
    done: flush,
  };
}

function rounded(value: number): string {
  return Number.isFinite(value) ? String(shortened(value)) : "-";
}

/** A number with four digits. */
function shortened(value: number): number {
  return Number(value.toPrecision(4));
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function wordSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-";
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}
