/** An error that the GPU or its driver reported, with the label of what caused it. */
export class GpuError extends Error {
  /** The class's name, as errors have it. */
  override readonly name: string = "GpuError";
}

/**
 * Words a message of the WGSL compiler so that it names the kernel's file and line.
 *
 * @param message The compiler's message, with its `wgsl:line:column`.
 * @param file The file that the source came from.
 */
export function wordCompilerMessage(message: string, file: string): string {
  return message.trim().replaceAll("wgsl:", `${file}:`);
}

/** A tensor that is larger than the adapter lets one buffer be. */
export class OutOfRoomError extends RangeError {
  /** The class's name, as errors have it. */
  override readonly name = "OutOfRoomError";

  /**
   * Words the error.
   *
   * @param label What was to be allocated.
   * @param bytes Its size.
   * @param limit The largest size that the adapter takes.
   */
  constructor(
    label: string,
    /** The size of what was to be allocated. */
    readonly bytes: number,
    /** The largest size that the adapter takes. */
    readonly limit: number,
  ) {
    super(
      `Cannot allocate ${label}: a buffer of this adapter holds at most ${limit} bytes, found ${bytes}`,
    );
  }
}

/** Words a number of bytes for an error. */
function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** What the GPU has no memory left for. */
export class OutOfMemoryError extends GpuError {
  /** The class's name, as errors have it. */
  override readonly name = "OutOfMemoryError";

  /**
   * Words the error.
   *
   * @param action What cannot be done, as in "allocate images".
   * @param bytes The memory that it takes.
   * @param options.taken The bytes of all other tensors.
   * @param options.limit What the GPU has left. Default: it is not known.
   */
  constructor(
    action: string,
    /** The memory that was wanted. */
    readonly bytes: number,
    { taken, limit = NaN }: { readonly taken: number; readonly limit?: number },
  ) {
    super(
      `Cannot ${action}: wanted ${megabytes(bytes)} of GPU memory beside the ${megabytes(taken)} ` +
        `that other tensors take, found ${Number.isNaN(limit) ? "less" : megabytes(limit)} left`,
    );
    this.limit = limit;
  }

  /** What the GPU has left of it; NaN where that is not known. */
  readonly limit: number;
}
