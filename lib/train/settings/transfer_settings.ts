import type { Distance } from "../../losses/distance.ts";
import type { TransferForm } from "../../losses/transfer_form.ts";
import type { Norm } from "../../ops/normalise.ts";
import type { Resize } from "../../ops/resize_map.ts";

/** What normalises where gradients are compared, by the names that `--grad_bn` takes. */
export const GRAD_BN = ["train", "eval"] as const;

/** What a run learns beside the labels; the names are those of the flags and of `config.json`. */
export interface TransferSettings {
  /** Temperature of the distillation loss. */
  temperature: number;
  /** Weight of the distillation loss; the cross-entropy weighs 1 - alpha. */
  alpha: number;
  /** How alpha changes over the epochs. */
  alpha_decay: string;
  /** Weight of the attention-transfer loss. */
  beta: number;
  /** How beta and fact_beta change over the epochs. */
  beta_decay: string;
  /** The first epoch, from 1, whose loss counts the attention; beta is 0 before. */
  beta_from_epoch: number;
  /** The groups that are compared, from 0; null for all. */
  taps: number[] | null;
  /** The activation map: `sum`, `max`, `sum^p` or `max^p`. */
  map: string;
  /** The norm that maps are divided by. */
  map_norm: Norm;
  /** How maps of different size are brought together. */
  map_resize: Resize;
  /** What beta and fact_beta weigh. */
  at_form: TransferForm;
  /** Weight of the loss between full activations. */
  fact_beta: number;
  /** Weight of the loss between the gradients of the images. */
  grad_beta: number;
  /** Weight of the norm of the student's gradient of the images. */
  min_l2_beta: number;
  /** Weight of the symmetry norm. */
  symmetry_beta: number;
  /** How the norm of a batch's gradients is read. */
  grad_distance: Distance;
  /** Whose statistics normalise in both networks where gradients of images are taken. */
  grad_bn: typeof GRAD_BN[number];
}

/** The transfer of a run that is told nothing. */
export const TRANSFER_DEFAULTS: Readonly<TransferSettings> = {
  temperature: 4,
  alpha: 0,
  alpha_decay: "none",
  beta: 0,
  beta_decay: "none",
  beta_from_epoch: 1,
  taps: null,
  map: "sum^2",
  map_norm: "l2",
  map_resize: "pool",
  at_form: "code",
  fact_beta: 0,
  grad_beta: 0,
  min_l2_beta: 0,
  symmetry_beta: 0,
  grad_distance: "batch",
  grad_bn: "train",
};

/** The weights of what is learned beside the labels, and how a run's name says each. */
const METHODS = {
  beta: "at",
  fact_beta: "fact",
  grad_beta: "grad",
  min_l2_beta: "min_l2",
  symmetry_beta: "symmetry",
  alpha: "kd",
} as const;

/** How a run's name says what it learns by, and `resnet` where that is the labels alone. */
export function methodName(settings: Readonly<TransferSettings>): string {
  const { beta, fact_beta, grad_beta, min_l2_beta, symmetry_beta, alpha } = settings;
  const weights = { beta, fact_beta, grad_beta, min_l2_beta, symmetry_beta, alpha };
  const methods = Object.entries(METHODS).filter(([key]) => Reflect.get(weights, key) > 0);
  return methods.map(([, method]) => method).join("_") || "resnet";
}
