import { oneOf, type Rules, whole } from "./rules.ts";
import { RUN_RULES } from "./run_rules.ts";
import { AUGMENTATIONS, ON_BAD, type StreamedSettings } from "./streamed_settings.ts";

/** The rules of the settings of a run whose images are decoded as it goes. */
export const STREAMED_RULES: Rules<StreamedSettings> = {
  ...RUN_RULES,
  nthread: whole(1),
  image_size: whole(32, 4096),
  augment: oneOf(AUGMENTATIONS),
  on_bad: oneOf(ON_BAD),
  accumulate: whole(1),
};

/**
 * Checks that a step's images can be divided as they shall be.
 *
 * @throws {RangeError} If they cannot.
 */
export function checkAccumulation(
  { accumulate, batch_size }: Pick<StreamedSettings, "accumulate" | "batch_size">,
): void {
  if (batch_size % accumulate === 0) return;
  throw new RangeError(
    `Cannot train: --accumulate must divide --batch_size ${batch_size}, found ${accumulate}`,
  );
}
