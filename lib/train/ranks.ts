import { createHash } from "node:crypto";
import type { Tensor } from "../gpu/tensor.ts";
import type { World } from "../mpi/world.ts";
import type { Trainer } from "./trainer.ts";

/** Gives every rank a value of rank 0 that JSON can hold. */
export async function shareValue<T>(value: T, world: World): Promise<T> {
  if (world.size === 1) return value;
  const text = world.rank === 0 ? JSON.stringify(value) : "";
  const sent = new TextEncoder().encode(text);
  const length = Uint32Array.of(sent.length);
  await world.max(length);
  const bytes = new Uint8Array(length[0] ?? 0);
  bytes.set(sent);
  await world.broadcast(bytes);
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Overwrites float32 tensors with those of rank 0. */
export async function shareTensors(tensors: readonly Tensor[], world: World): Promise<void> {
  if (world.size === 1) return;
  for (const tensor of tensors) {
    const values = Float32Array.from(await tensor.read());
    await world.broadcast(new Uint8Array(values.buffer));
    tensor.write(values);
  }
}

/** Lets every rank go on from what rank 0 begins with: parameters, running statistics, momentum and loss scale. */
export async function shareState(
  { model, learned, lossScale }: Trainer,
  world: World,
): Promise<void> {
  if (world.size === 1) return;
  const state = learned.flatMap(({ parameters, velocity }) => [parameters.flat, velocity.flat]);
  await shareTensors([model.parameters.flatStatistics, ...state], world);
  if (lossScale !== null) lossScale.write(await shareValue(await lossScale.read(), world));
}

/**
 * Checks that all ranks have the same parameters, by a digest of their bits.
 *
 * @throws {Error} On every rank, if one differs from rank 0.
 */
export async function wantSameParameters(
  { learned }: Trainer,
  { epoch, world }: { epoch: number; world: World },
): Promise<void> {
  if (world.size === 1) return;
  const hash = createHash("sha256");
  for (const { parameters: { flat } } of learned) {
    hash.update(new Uint8Array((await flat.read()).buffer));
  }
  // As whole numbers: the bits of a float32 that is NaN need not stay.
  const digest = Float32Array.from(hash.digest());
  const all = new Float32Array(world.size * digest.length);
  await world.gather(digest, all);
  const ranks = Array.from({ length: world.size }, (_, rank) => rank * digest.length);
  const digests = ranks.map((first) => all.subarray(first, first + digest.length).join());
  const other = digests.findIndex((found) => found !== digests[0]);
  if (other < 0) return;
  throw new Error(
    `Cannot go on after epoch ${epoch}: all ranks must have the same parameters, found others on rank ${other} than on rank 0`,
  );
}
