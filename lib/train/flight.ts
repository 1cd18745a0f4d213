/** A step that the GPU has been given. */
export interface Submitted {
  /** The step, from 0. */
  readonly step: number;
  /** The epoch, from 1. */
  readonly epoch: number;
  /** The learning rate. */
  readonly rate: number;
  /** The number of images. */
  readonly images: number;
}

/** The steps that the GPU has finished since it was last waited for; nothing is known of their losses yet. */
export interface Landed {
  /** The last of them. */
  readonly last: Submitted;
  /** Their number. */
  readonly steps: number;
  /** The images of all. */
  readonly images: number;
  /** The wall time of all, in seconds. */
  readonly seconds: number;
  /** The part of it that was spent waiting for images; nothing where they stay on the GPU. */
  readonly waitedSeconds?: number;
}

const SECONDS_IN_FLIGHT = 0.5;

/**
 * The steps that the GPU has been given and is not known to be done with, and a clock that stands still while none are
 * there. As many steps may be in flight as take half a second: enough to keep a GPU busy, few enough to stop soon.
 */
export class Flight {
  #flying: Submitted[] = [];
  #room = 1;
  #left = 0;
  #landed = performance.now();
  #lapped = this.#landed;

  /** The number of steps in flight. */
  get count(): number {
    return this.#flying.length;
  }

  /** Whether the GPU must be waited for before another step. */
  get isFull(): boolean {
    return this.#flying.length >= this.#room;
  }

  /** Counts a step in. */
  add(step: Submitted): void {
    this.#flying.push(step);
  }

  /** Counts out the first `count` steps, which are over now; `null` if they were counted out before. */
  land(count: number): Landed | null {
    const landed = this.#flying.splice(0, count);
    const last = landed.at(-1);
    if (last === undefined) return null;
    const now = this.#now();
    const seconds = (now - this.#landed) / 1000;
    this.#landed = now;
    const fitting = Math.floor(SECONDS_IN_FLIGHT * landed.length / seconds);
    this.#room = Math.max(1, Math.min(2 * this.#room, fitting));
    const images = landed.reduce((sum, step) => sum + step.images, 0);
    return { last, steps: landed.length, images, seconds };
  }

  /** The seconds since the last call. */
  lap(): number {
    const now = this.#now();
    const seconds = (now - this.#lapped) / 1000;
    this.#lapped = now;
    return seconds;
  }

  /** Does something and leaves the time out that it takes, unless the GPU has steps to run meanwhile. */
  async unlessFlying<T>(work: () => T | Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await work();
    } finally {
      if (this.#flying.length === 0) this.#left += performance.now() - began;
    }
  }

  #now(): number {
    return performance.now() - this.#left;
  }
}
