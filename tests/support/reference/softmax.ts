/** Logarithms of the softmax over rows of `classes` numbers, divided by a temperature first. */
export function logSoftmax(
  logits: Float64Array,
  { classes, temperature = 1 }: { classes: number; temperature?: number },
): Float64Array {
  const y = logits.map((value) => value / temperature);
  for (let first = 0; first < y.length; first += classes) {
    const row = y.subarray(first, first + classes);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const logSum = largest +
      Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
    row.set(row.map((value) => value - logSum));
  }
  return y;
}
