import type { RunSettings } from "./run_settings.ts";

/** What happens to training images beyond crop and flip, by the names that `--augment` takes. */
export const AUGMENTATIONS = ["plain", "full"] as const;

/** What happens where an image cannot be decoded, by the names that `--on_bad` takes. */
export const ON_BAD = ["error", "skip"] as const;

/** What is set of a run whose images are decoded as it goes, whatever the run is for. */
export interface Streaming {
  /** Workers that decode images. */
  nthread: number;
  /** Height and width of the crops, in pixels. */
  image_size: number;
  /** What happens to training images: `plain`, or `full` with colour jitter and lighting. */
  augment: typeof AUGMENTATIONS[number];
  /** What happens where an image cannot be decoded. */
  on_bad: typeof ON_BAD[number];
  /** Batches whose gradients add up to those of a step. */
  accumulate: number;
}

/** The settings of a run whose images are decoded as it goes. */
export interface StreamedSettings extends RunSettings, Streaming {}

/** How images are decoded in a run that is told nothing. */
export const STREAMING_DEFAULTS: Readonly<Streaming> = {
  nthread: 4,
  image_size: 224,
  augment: "plain",
  on_bad: "error",
  accumulate: 1,
};
