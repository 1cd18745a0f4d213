import { type Layout, sizeOf } from "../../lib/gpu/layout.ts";
import type { Operand } from "./check_op.ts";
import { randomValues, spacedValues } from "./random.ts";

/** An input of random numbers between `from` and `to`, -1 and 1 by default. */
export function uniform(
  shape: readonly number[],
  { seed = 1, from = -1, to = 1, layout = "channels" }: {
    seed?: number;
    from?: number;
    to?: number;
    layout?: Layout;
  } = {},
): Operand {
  return { shape, layout, values: randomValues(sizeOf(shape), { seed, from, to }) };
}

/** An input without ties or zeros, for ops with kinks. */
export function spaced(shape: readonly number[], { seed = 1 } = {}): Operand {
  return { shape, values: spacedValues(sizeOf(shape), { seed }) };
}

/** An input whose magnitudes are at least 0.005 apart from each other and from zero. */
export function apart(shape: readonly number[], { seed = 1 } = {}): Operand {
  const { values } = spaced(shape, { seed });
  return { shape, values: values.map((value) => value + 0.005) };
}
