import { createArena } from "../../lib/gpu/arena.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { type StepValue, StepValues } from "../../lib/gpu/step_values.ts";
import type { FlatTensors } from "../../lib/optim/sgd.ts";
import { watch } from "../../lib/tape.ts";

/** Parameters of zeros, or their momentum, as the optimiser takes them. */
export function flatOf(gpu: Gpu, shapes: readonly (readonly number[])[]): FlatTensors {
  const entries = shapes.map((shape, at) => ({
    label: `p${at}`,
    shape,
    layout: shape.length < 2 ? "channels" as const : "weights" as const,
  }));
  const { whole, tensors } = createArena(gpu, { label: "parameters", entries });
  return { flat: whole, trainable: tensors.map(watch) };
}

/** A learning rate on the GPU, with another number before it. */
export function rateOf(gpu: Gpu, rate: number): StepValue {
  const values = new StepValues(gpu, ["other", "rate"]);
  values.setFloat("other", 77);
  values.setFloat("rate", rate);
  values.upload();
  return values.at("rate");
}
