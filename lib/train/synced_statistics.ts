import type { Gpu } from "../gpu/device.ts";
import type { Meeting, Synchroniser } from "../gpu/meeting.ts";
import type { World } from "../mpi/world.ts";

/** Gives batch normalisation the statistics of all ranks, as if their images were one batch. */
export class SyncedStatistics implements Synchroniser, Disposable {
  /** This rank's images of the batch that runs, 0 where the one that it computes does not count. */
  images = 0;
  readonly #held = new DisposableStack();
  #recorded = { batch: 1, whole: 1 };

  /** Begins without a meeting. */
  constructor(private readonly gpu: Gpu, private readonly world: World) {}

  /** Says of what batch the meetings that follow are: the images here, and those of all ranks. */
  begin(recorded: { batch: number; whole: number }): void {
    this.#recorded = recorded;
  }

  rowsOfAll(rows: number): number {
    const { batch, whole } = this.#recorded;
    return rows / batch * whole;
  }

  moments(channels: number, rows: number): Meeting {
    const tensor = this.#held.use(this.gpu.zeros([2, channels], { label: "moments of all ranks" }));
    const { batch } = this.#recorded;
    const length = tensor.storage.bytes / 4;
    const sent = new Float32Array(1 + length);
    const all = new Float32Array(this.world.size * sent.length);
    const exchange = async (values: Float32Array) => {
      sent.set([rows / batch * this.images]);
      sent.set(values, 1);
      await this.world.gather(sent, all);
      mergeMoments(all, values);
    };
    return { tensor, exchange };
  }

  sums(channels: number): Meeting {
    const shape = [2, 2, channels];
    const tensor = this.#held.use(this.gpu.zeros(shape, { label: "sums of all ranks" }));
    const totals = new Float32Array(tensor.storage.bytes / 8);
    const exchange = async (values: Float32Array) => {
      const own = values.subarray(0, totals.length);
      totals.set(own);
      await this.world.sum(totals);
      // An image that does not count takes no part in any gradient.
      const others = totals.map((total, at) => (this.images === 0 ? 0 : total) - (own[at] ?? 0));
      values.set(others, totals.length);
    };
    return { tensor, exchange };
  }

  /** Frees what was exchanged. */
  [Symbol.dispose](): void {
    this.#held.dispose();
  }
}

/**
 * The moments of all rows (Chan et al. 1979).
 *
 * @param all Of each rank its rows, then its means and its sums of squared deviations.
 * @param merged The means and sums of all, which are written.
 */
export function mergeMoments(all: Float32Array, merged: Float32Array): void {
  const channels = merged.length / 2;
  const stride = 1 + merged.length;
  const ranks = Array.from({ length: all.length / stride }, (_, rank) => rank * stride);
  const rows = ranks.reduce((sum, first) => sum + (all[first] ?? 0), 0);
  const total = (value: (rows: number, first: number) => number) =>
    ranks.reduce((sum, first) => {
      const own = all[first] ?? 0;
      return own === 0 ? sum : sum + value(own, first + 1);
    }, 0);
  for (let at = 0; at < channels; at++) {
    const mean = total((rows, first) => rows * (all[first + at] ?? 0)) / rows;
    merged[at] = mean;
    merged[channels + at] = total((rows, first) =>
      (all[first + channels + at] ?? 0) + rows * ((all[first + at] ?? 0) - mean) ** 2
    );
  }
}
