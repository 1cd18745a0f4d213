import type { Model } from "../models/model.ts";
import { prepareTrainer, type ProfileOptions } from "./made_step.ts";

/** What a step of several ranks gives to the others, and what that takes. */
export interface ExchangeProfile {
  /** The ranks. */
  readonly ranks: number;
  /** The bytes of gradients that each rank gives away a step. */
  readonly bytes: number;
  /** The wall time of a step, in seconds. */
  readonly stepSeconds: number;
  /** The time from a step's first dispatch to its last exchange, in seconds. */
  readonly exchangeSeconds: number;
  /** The part of it that is left when the last dispatch has been submitted, in seconds: the rest goes on meanwhile. */
  readonly waitedSeconds: number;
}

const STEPS = 5;

/**
 * Trains a few steps with other ranks, which do the same, and tells what the exchange takes. The network's parameters
 * change.
 *
 * @param options As for a training, with the ranks.
 * @returns Means of five steps, `null` for one rank alone.
 */
export async function profileExchange(
  model: Model,
  options: ProfileOptions,
): Promise<ExchangeProfile | null> {
  const { world } = options;
  if (world === undefined || world.size === 1) return null;
  using made = await prepareTrainer(model, options);
  const { trainer } = made;
  await trainer.submit(0);
  await trainer.wait();
  const before = { ...trainer.exchangeTimes };
  const began = performance.now();
  for (let step = 1; step <= STEPS; step++) await trainer.submit(step);
  await trainer.wait();
  const stepSeconds = (performance.now() - began) / 1000 / STEPS;
  const after = { ...trainer.exchangeTimes };
  const mean = (name: "bytes" | "seconds" | "waitedSeconds") =>
    ((after[name] ?? NaN) - (before[name] ?? NaN)) / STEPS;
  return {
    ranks: world.size,
    bytes: mean("bytes"),
    stepSeconds,
    exchangeSeconds: mean("seconds"),
    waitedSeconds: mean("waitedSeconds"),
  };
}
