import type { Gpu } from "../gpu/device.ts";
import type { Piece, Program } from "../gpu/program.ts";
import { Storage } from "../gpu/storage.ts";
import { Tensor } from "../gpu/tensor.ts";
import { HalfExchange } from "../mpi/half_exchange.ts";
import type { World } from "../mpi/world.ts";

/** How gradients are exchanged. */
export interface ExchangeOptions {
  /** The ranks. */
  readonly world: World;
  /** What a gradient is rounded to on its way. Default: `float`, as it is. */
  readonly dtype?: "float" | "half" | undefined;
}

/** What an exchange has moved, and how long that took. */
export interface ExchangeTimes {
  /** The bytes that this rank has given away, in all. */
  bytes: number;
  /** The seconds from the first call to the last result, in all. */
  seconds: number;
  /** The part of them that came after the step's last dispatch was submitted. */
  waitedSeconds: number;
}

/** The bytes of a part of the gradients that goes by itself. */
const BUCKET_BYTES = 8 * 2 ** 20;

/** A tensor that is exchanged, and its room on the CPU. */
interface Room {
  readonly tensor: Tensor;
  readonly staging: GPUBuffer;
  readonly values: Float32Array<ArrayBuffer>;
}

/** A part of the gradients. */
interface Bucket extends Room {
  readonly half: HalfExchange | null;
}

/**
 * Sums the gradients of all ranks, in parts, each as soon as the backward pass is done with it. The word in which an
 * inspection notes what is not finite goes with them: what one rank finds, all have found.
 */
export class Exchange implements Disposable {
  /** What has been moved so far. */
  readonly times: ExchangeTimes = { bytes: 0, seconds: 0, waitedSeconds: 0 };
  readonly #buckets: readonly Bucket[];
  readonly #found: Room;
  readonly #rooms = new Map<Tensor, Room>();
  #tail: Promise<void> = Promise.resolve();

  /**
   * Makes room on the CPU for all of the gradients.
   *
   * @param gpu The device.
   * @param gradients Flat buffers of gradients, which keep their place.
   * @param found The word of the inspection.
   * @param options The ranks, and what a gradient is rounded to.
   */
  constructor(
    private readonly gpu: Gpu,
    gradients: readonly Tensor[],
    private readonly found: Tensor,
    private readonly options: ExchangeOptions,
  ) {
    const { world: { size }, dtype = "float" } = options;
    this.#buckets = gradients.flatMap(partsOf).map((tensor) => ({
      ...this.#roomFor(tensor),
      half: dtype === "half" ? new HalfExchange(tensor.storage.bytes / 4, { size }) : null,
    }));
    this.#found = this.#roomFor(found);
  }

  #roomFor(tensor: Tensor): Room {
    const { bytes: size, label } = tensor.storage;
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.gpu.device.createBuffer({ label: `staging of ${label}`, size, usage });
    return { tensor, staging, values: new Float32Array(size / 4) };
  }

  /**
   * Runs a program, with the exchanges that it waits for.
   *
   * @param options.before What is encoded before it.
   * @param options.ends Whether it computes the last of the gradients, which are then summed as they are done.
   */
  async run(
    program: Program<null>,
    { before, ends }: {
      before?: ((encoder: GPUCommandEncoder) => void) | undefined;
      ends: boolean;
    },
  ): Promise<void> {
    const began = performance.now();
    const pieces = this.#meetingsOf(program);
    if (ends) pieces.push(...this.#sumsOf(program));
    const { length: end } = program.plan.dispatches;
    const last = { end, after: () => {}, submitted: () => {} };
    const ordered = [...pieces, last].toSorted((a, b) => a.end - b.end);
    await program.runInPieces(ordered, { before });
    if (ends) this.#agree(began);
  }

  /** The pieces that end where the program waits for others. */
  #meetingsOf({ plan: { dispatches } }: Program<null>): Piece[] {
    return dispatches.flatMap(({ meeting }, end) => {
      if (meeting === null) return [];
      const { tensor } = meeting;
      const room = this.#rooms.get(tensor) ?? this.#roomFor(tensor);
      this.#rooms.set(tensor, room);
      return {
        end,
        after: (encoder: GPUCommandEncoder) => copy(encoder, tensor, room.staging),
        submitted: () => this.#exchange(room, (values) => meeting.exchange(values)),
      };
    });
  }

  /** The pieces that end where parts of the gradients are done. */
  #sumsOf(program: Program<null>): Piece[] {
    const { world } = this.options;
    return this.#buckets.map((bucket) => ({
      end: program.lastWriteOf(bucket.tensor),
      after: (encoder: GPUCommandEncoder) => copy(encoder, bucket.tensor, bucket.staging),
      submitted: () => {
        const { half, values: { byteLength } } = bucket;
        this.times.bytes += byteLength / (half === null ? 1 : 2);
        // Whoever waits for the end throws what went wrong.
        this.#exchange(
          bucket,
          (values) => half === null ? world.sum(values) : world.sumHalf(values, half),
        ).catch(() => {});
      },
    }));
  }

  /** Lets all ranks know what one has found. */
  #agree(began: number): void {
    const { found, options: { world } } = this;
    const submitted = performance.now();
    const encoder = this.gpu.device.createCommandEncoder({ label: "found by a rank" });
    copy(encoder, found, this.#found.staging);
    this.gpu.device.queue.submit([encoder.finish()]);
    this.#exchange(this.#found, async (values) => {
      await world.max(new Uint32Array(values.buffer));
      const now = performance.now();
      this.times.seconds += (now - began) / 1000;
      this.times.waitedSeconds += (now - submitted) / 1000;
    }).catch(() => {});
  }

  /** Exchanges the numbers of a tensor, after all that was to be exchanged before: every rank has the same order. */
  #exchange(
    { tensor, staging, values }: Room,
    exchange: (values: Float32Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    const [mapped, before] = [staging.mapAsync(GPUMapMode.READ), this.#tail];
    const exchanged = async () => {
      await mapped;
      await before;
      values.set(new Float32Array(staging.getMappedRange()));
      staging.unmap();
      await exchange(values);
      this.gpu.upload(tensor.storage, values);
    };
    this.#tail = exchanged();
    return this.#tail;
  }

  /** Waits until all gradients are summed, and on the GPU. */
  async done(): Promise<void> {
    await this.#tail;
  }

  /** Frees the room. */
  [Symbol.dispose](): void {
    const rooms = [...this.#buckets, this.#found, ...this.#rooms.values()];
    for (const { staging } of rooms) staging.destroy();
  }
}

function copy(encoder: GPUCommandEncoder, { storage }: Tensor, to: GPUBuffer): void {
  const { buffer, offset, size } = storage.range;
  encoder.copyBufferToBuffer(buffer, offset, to, 0, size);
}

/** The parts of a flat buffer of gradients. */
function partsOf({ gpu, label, storage }: Tensor): Tensor[] {
  const count = Math.ceil(storage.bytes / BUCKET_BYTES);
  return Array.from({ length: count }, (_, at) => {
    const offset = at * BUCKET_BYTES;
    const bytes = Math.min(BUCKET_BYTES, storage.bytes - offset);
    const part = new Storage(label, bytes).sliceOf(storage, offset);
    return new Tensor(gpu, [bytes / 4], part, "f32", "channels");
  });
}
