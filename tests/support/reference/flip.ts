/** Images `[..., width, channels]`, mirrored left to right, in float64. */
export function mirrored(
  images: ArrayLike<number>,
  { width, channels }: { width: number; channels: number },
): Float64Array {
  return Float64Array.from({ length: images.length }, (_, at) => {
    const [channel, pixel] = [at % channels, Math.floor(at / channels)];
    const column = pixel % width;
    return images[(pixel - column + width - 1 - column) * channels + channel] ?? NaN;
  });
}
