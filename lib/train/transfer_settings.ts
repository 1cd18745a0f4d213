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
  /** How beta changes over the epochs. */
  beta_decay: string;
  /** The first epoch, from 1, whose loss counts the attention; beta is 0 before. */
  beta_from_epoch: number;
  /** The groups that are compared, from 0; null for all. */
  taps: number[] | null;
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
};

/** How a run's name says what it learns by, and `resnet` where that is the labels alone. */
export function methodName(settings: Readonly<TransferSettings>): string {
  const losses = [settings.beta > 0 ? "at" : "", settings.alpha > 0 ? "kd" : ""];
  return losses.filter((loss) => loss !== "").join("_") || "resnet";
}
