/** Counts the calls of methods, on every object of a prototype, until it is disposed of. */
export class CallCounter implements Disposable {
  /** The calls of each method that has been called since the last {@link CallCounter.reset}. */
  counts: Record<string, number> = {};
  readonly #real = new Map<string, unknown>();

  constructor(readonly prototype: object, methods: readonly string[]) {
    for (const method of methods) {
      const real: unknown = Reflect.get(prototype, method);
      if (typeof real !== "function") throw new TypeError(`Cannot count calls of ${method}`);
      this.#real.set(method, real);
      const count = () => this.counts[method] = (this.counts[method] ?? 0) + 1;
      Reflect.set(prototype, method, function (this: unknown, ...args: unknown[]) {
        count();
        return Reflect.apply(real, this, args);
      });
    }
  }

  /** Starts counting anew. */
  reset(): void {
    this.counts = {};
  }

  [Symbol.dispose](): void {
    for (const [method, real] of this.#real) Reflect.set(this.prototype, method, real);
  }
}
