/**
 * A clock in place of `performance.now`, until it is disposed of. Time passes where a test says so, and `tick` seconds
 * at each look at the clock: with a second a look, a training waits for each of its steps.
 */
export class FakeClock implements Disposable {
  readonly #real = performance.now;
  #now = 1000;

  constructor({ tick = 0 }: { tick?: number } = {}) {
    performance.now = () => this.#now += 1000 * tick;
  }

  /** Lets time pass. */
  advance({ seconds }: { seconds: number }): void {
    this.#now += 1000 * seconds;
  }

  [Symbol.dispose](): void {
    performance.now = this.#real;
  }
}
