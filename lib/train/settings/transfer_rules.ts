import { DISTANCES } from "../../losses/distance.ts";
import { TRANSFER_FORMS } from "../../losses/transfer_form.ts";
import { NORMS } from "../../ops/normalise.ts";
import { parseMap } from "../../ops/parse_map.ts";
import { RESIZES } from "../../ops/resize_map.ts";
import { decay, DECAYS } from "../../optim/decay.ts";
import { above, oneOf, readBy, type Rules, whole, within } from "./rules.ts";
import type { RunSettings } from "./run_settings.ts";
import { GRAD_BN, type TransferSettings } from "./transfer_settings.ts";

const DECAYING = readBy(decay, {
  wanted: "none, linear, cosine, exp or exp:rate",
  words: DECAYS,
});

/** The rules of what a run learns beside the labels. */
export const TRANSFER_RULES: Rules<TransferSettings> = {
  temperature: above(0),
  alpha: within(0, 1),
  alpha_decay: DECAYING,
  beta: within(0, Infinity),
  beta_decay: DECAYING,
  beta_from_epoch: whole(1),
  map: readBy(parseMap, {
    wanted: "sum, max, sum^p or max^p with p of at least 1",
    words: ["sum", "sum^2", "max"],
  }),
  map_norm: oneOf(NORMS),
  map_resize: oneOf(RESIZES),
  at_form: oneOf(TRANSFER_FORMS),
  fact_beta: within(0, Infinity),
  grad_beta: within(0, Infinity),
  min_l2_beta: within(0, Infinity),
  symmetry_beta: within(0, Infinity),
  grad_distance: oneOf(DISTANCES),
  grad_bn: oneOf(GRAD_BN),
};

/** The losses that learn from a teacher. */
const TAUGHT = ["alpha", "beta", "fact_beta", "grad_beta"] as const;
/** The losses that take gradients of the images. */
const OF_GRADIENTS = ["grad_beta", "min_l2_beta", "symmetry_beta"] as const;
/** The losses that a setting belongs to: without any of them it does nothing. */
const OWNERS = [
  { key: "alpha_decay", owners: ["alpha"] },
  { key: "beta_decay", owners: ["beta", "fact_beta"] },
  { key: "beta_from_epoch", owners: ["beta"] },
  { key: "map", owners: ["beta"] },
  { key: "map_norm", owners: ["beta"] },
  { key: "map_resize", owners: ["beta"] },
  { key: "at_form", owners: ["beta", "fact_beta"] },
  { key: "grad_distance", owners: OF_GRADIENTS },
  { key: "grad_bn", owners: OF_GRADIENTS },
] as const;

/**
 * Checks that what is learned beside the labels goes together, and that there is a teacher where one is learned from.
 *
 * @param options.defaults What the settings are by default.
 * @param options.hasTeacher Whether there is one.
 * @param options.hint How to name one.
 * @throws {RangeError} If a loss lacks its teacher or its precision, or a setting its loss.
 */
export function checkTransfer(
  settings: Readonly<TransferSettings> & Pick<RunSettings, "dtype">,
  { defaults, hasTeacher, hint }: {
    defaults: Readonly<TransferSettings>;
    hasTeacher: boolean;
    hint: string;
  },
): void {
  const untaught = hasTeacher ? undefined : TAUGHT.find((key) => settings[key] > 0);
  if (untaught !== undefined) {
    throw new RangeError(
      `Cannot train: --${untaught} above 0 learns from a teacher, found --${untaught} ` +
        `${settings[untaught]} without one; ${hint}`,
    );
  }
  for (const { key, owners } of OWNERS) {
    const isUsual = settings[key] === defaults[key];
    if (isUsual || owners.some((owner) => settings[owner] > 0)) continue;
    throw new RangeError(
      `Cannot train: --${key} ${settings[key]} needs a --${owners.join(" or --")} above 0, found 0`,
    );
  }
  const twice = OF_GRADIENTS.find((key) => settings[key] > 0);
  if (settings.dtype === "half" && twice !== undefined) {
    throw new RangeError(
      `Cannot train: --${twice} takes second derivatives, which half precision does not have; ` +
        "wanted --dtype float, found half",
    );
  }
}
