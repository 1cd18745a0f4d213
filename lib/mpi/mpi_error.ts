/** An error that MPI, its library or its launcher caused. */
export class MpiError extends Error {
  /** The class's name, as errors have it. */
  override readonly name = "MpiError";
}
