import type { Tensor } from "../gpu/tensor.ts";
import { activationMap } from "../ops/activation_map.ts";
import { attentionLoss } from "../ops/attention_loss.ts";
import type { AttentionMapOptions } from "../ops/attention_map.ts";
import { normalise } from "../ops/normalise.ts";
import { parseMap } from "../ops/parse_map.ts";
import { type MapSize, type Resize, resizeMap } from "../ops/resize_map.ts";
import { fourSizes, wantReal, wantShape, wantType } from "../ops/shapes.ts";
import { stopGradient } from "../tape.ts";
import { differenceIn, type TransferForm } from "./transfer_form.ts";

/** Options of {@link attentionTransfer}. */
export interface AttentionTransferOptions extends AttentionMapOptions {
  /**
   * How maps of different size are brought together, before they are made of unit length: `pool` averages the larger
   * one, height and width each, down to the smaller; `bilinear` interpolates the teacher's to the student's size.
   * Default: `pool`.
   */
  readonly resize?: Resize;
  /** What beta weighs. Default: `code`. */
  readonly form?: TransferForm;
}

/**
 * The attention-transfer loss of one pair of activations, of
 * {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, equation 2: how far `Q_S / ||Q_S||` is from
 * `Q_T / ||Q_T||`, with `Q = F(A)` an {@link activationMap}. Unless told otherwise it is the original code's, the mean
 * over batch and positions of `(Q_S / ||Q_S||_2 - Q_T / ||Q_T||_2)^2` with `F = F_sum^2`. The teacher is a constant.
 *
 * @param student Activations, `[batch, height, width, channels]`.
 * @param teacher Activations of the same batch; any height, width and channels.
 * @returns A scalar, which beta weighs.
 * @throws {TypeError} If the batches or the types differ, there are not four dimensions, or they are not of real
 * numbers.
 * @throws {RangeError} If there is no such map.
 * @example
 * ```ts
 * import { attentionTransfer, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const student = gpu.tensor([1, 0], [1, 1, 2, 1]);
 * const teacher = gpu.tensor([0, 0, 5, 5], [1, 1, 2, 2]);
 * assert.deepEqual([...await attentionTransfer(student, teacher).read()], [1]);
 * const [paper = NaN] = await attentionTransfer(student, teacher, { map: "max", form: "paper" }).read();
 * assert.ok(Math.abs(paper - Math.SQRT1_2) < 1e-6);
 * ```
 */
export function attentionTransfer(
  student: Tensor,
  teacher: Tensor,
  { map = "sum^2", norm = "l2", resize = "pool", form = "code" }: AttentionTransferOptions = {},
): Tensor {
  const [batch, height, width] = fourSizes(student, "take the attention of the student");
  const [, ...taught] = fourSizes(teacher, "take the attention of the teacher");
  wantShape(teacher, [batch, ...taught], "compare attention");
  wantType(teacher, wantReal(student, "take the attention of the student"), "compare attention");
  const size: MapSize = [height, width];
  const other: MapSize = [taught[0], taught[1]];
  const { reduce, power } = parseMap(map);
  const sameSize = size[0] === other[0] && size[1] === other[1];
  if (sameSize && reduce === "sum" && power === 2 && norm === "l2" && form === "code") {
    return attentionLoss(student, stopGradient(teacher));
  }
  const to = resize === "pool" ? smaller(size, other) : size;
  const mapOf = (x: Tensor, from: MapSize) =>
    normalise(resizeMap(activationMap(x, { map }), { from, to, resize }), { norm });
  return differenceIn(form, {
    student: mapOf(student, size),
    teacher: mapOf(stopGradient(teacher), other),
  });
}

function smaller([a, b]: MapSize, [c, d]: MapSize): MapSize {
  return [Math.min(a, c), Math.min(b, d)];
}
