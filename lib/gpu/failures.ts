import { GpuError, wordCompilerMessage } from "./errors.ts";

/** What is done under guard: its name in the error, the kernel's file, and what to undo if it fails. */
export interface Guarded {
  /** What cannot be done, as in "run scale.forward". */
  readonly action: string;
  /** The WGSL file that the compiler's lines are of. */
  readonly file?: string;
  /** Called if it failed. */
  readonly forget?: () => void;
  /** Makes the error of an allocation for which there is no memory. */
  readonly outOfMemory?: () => GpuError;
}

/**
 * What the GPU reports. WebGPU tells of an error only after the call that caused it has returned, so a guarded call
 * remembers who called, and the error is thrown at the next wait with that caller's stack.
 */
export class Failures {
  #pending: Promise<void>[] = [];
  #first: GpuError | null = null;

  /** Listens to a device. */
  constructor(private readonly device: GPUDevice) {
    device.addEventListener("uncapturederror", (event: Event) => {
      const message = event instanceof GPUUncapturedErrorEvent
        ? event.error.message.trim()
        : event.type;
      this.report(new GpuError(`The GPU reported: ${message}`));
    });
  }

  /** Keeps an error, unless one is kept already. */
  report(error: GpuError): void {
    this.#first ??= error;
  }

  /** Runs something whose errors then name it and its caller. */
  guard<T>(
    { action, file = "wgsl", forget = () => {}, outOfMemory }: Guarded,
    run: () => T,
  ): T {
    const caller = new Error();
    if (outOfMemory !== undefined) this.device.pushErrorScope("out-of-memory");
    this.device.pushErrorScope("validation");
    try {
      return run();
    } finally {
      const invalid = this.device.popErrorScope();
      const full = outOfMemory === undefined ? null : this.device.popErrorScope();
      this.#pending.push(
        Promise.all([invalid, full]).then(([fault, lack]) => {
          if (fault === null && lack === null) return;
          forget();
          const failure = lack !== null && outOfMemory !== undefined
            ? outOfMemory()
            : new GpuError(`Cannot ${action}: ${wordCompilerMessage(fault?.message ?? "", file)}`);
          const frames = caller.stack?.split("\n").slice(2) ?? [];
          failure.stack = [`${failure.name}: ${failure.message}`, ...frames].join("\n");
          this.report(failure);
        }),
      );
    }
  }

  /** Waits until the errors of everything guarded so far are known, and throws the first. */
  async settled(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
    this.throwFirst();
  }

  /** Throws what has been reported so far, once. */
  throwFirst(): void {
    const failure = this.#first;
    this.#first = null;
    if (failure !== null) throw failure;
  }
}
