import {
  AUGMENTATIONS,
  ON_BAD,
  type Streaming,
} from "../../lib/train/settings/streamed_settings.ts";
import { type Flags, readOneOf, readWhole } from "../command_line/flags.ts";
import { DATA, MACHINE, TRAINING } from "./run_flags.ts";

/** The flags of how images are decoded as a run goes. */
export const STREAMING_FLAGS: Flags<Streaming> = {
  image_size: {
    group: DATA,
    value: "N",
    help: "Height and width of the crops; for validation the shorter side becomes 8/7 of it first",
    read: readWhole,
  },
  augment: {
    group: DATA,
    value: "WHICH",
    help: "plain: crops and flips; full: colour jitter and lighting too",
    read: readOneOf(AUGMENTATIONS),
  },
  on_bad: {
    group: DATA,
    value: "WHICH",
    help: "An image that cannot be decoded: error ends the run, skip takes the next one and tells",
    read: readOneOf(ON_BAD),
  },
  accumulate: {
    group: TRAINING,
    value: "N",
    help:
      "Divide each step's images into N batches whose gradients add up, where they do not fit " +
      "together; batch normalisation then sees each batch by itself, and the loss told is their mean",
    read: readWhole,
  },
  nthread: {
    group: MACHINE,
    value: "N",
    help: "Workers that decode images; their number does not change the result",
    read: readWhole,
  },
};
