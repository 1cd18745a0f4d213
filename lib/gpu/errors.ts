/** An error that the GPU or its driver reported, with the label of what caused it. */
export class GpuError extends Error {
  /** The class's name, as errors have it. */
  override readonly name = "GpuError";
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
