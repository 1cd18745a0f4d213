import type { RankPlace } from "../../lib/mpi/rank_place.ts";
import { UsageError } from "../command_line/flags.ts";
import { type Card, nameCard } from "./cards.ts";
import type { SelectLayer } from "./select_layer.ts";

/** What a rank's card is chosen by. */
export interface CardChoice {
  /** The cards of its machine. */
  readonly cards: readonly Card[];
  /** The cards that were asked for, one for each rank of the machine; `null` for the first ones. */
  readonly ids: readonly number[] | null;
  /** The rank's place. */
  readonly place: Pick<RankPlace, "localRank" | "localSize"> & {
    readonly launcher?: RankPlace["launcher"];
  };
  /** What cards can be told by. */
  readonly layer: SelectLayer;
  /** Whether ranks may share a card. */
  readonly shares: boolean;
}

/** The variables that choose a card. */
export const CARD_VARIABLES = [
  "DRI_PRIME",
  "MESA_VK_DEVICE_SELECT",
  "MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE",
] as const;

/** The number of the card that a rank opens, `null` where there is nothing to choose from. */
function numberOf({ cards, ids, place, shares }: CardChoice): number | null {
  const { launcher, localRank, localSize } = place;
  const there = cards.length === 0
    ? "a software adapter and no card"
    : cards.map(nameCard).join(", ");
  const count = cards.length === 0 ? localSize : cards.length;
  const stranger = ids?.find((id) => id >= count);
  if (stranger !== undefined) {
    throw new UsageError(
      `Cannot open GPU ${stranger}: --gpu_id must name what is there, found ${there}`,
    );
  }
  // Under Slurm, a rank that sees one card has been given it.
  const isGiven = launcher === "srun" && cards.length === 1;
  if (cards.length === 0 || ids === null && isGiven) return null;
  if (ids === null && localSize > cards.length && !shares) {
    throw new RangeError(
      `Cannot give ${localSize} ranks a GPU each: wanted ${localSize} cards, found ${there}; ` +
        "--share_gpu lets ranks share one",
    );
  }
  return ids?.[localRank] ?? localRank % cards.length;
}

/**
 * Chooses the card of a rank. Vulkan ignores `CUDA_VISIBLE_DEVICES`, and Deno gives no list of adapters, so Mesa's
 * device-select layer is told which one to show.
 *
 * @param choice Cards, ranks and wishes.
 * @returns The number of the card, `null` where there is nothing to choose from, and the variables that choose it.
 * @throws {UsageError} If no card has a number that was asked for.
 * @throws {RangeError} If there are too few, or the layer cannot tell the card from others.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const cards = [
 *   { address: "0000:17:00.0", model: "10de:2330" },
 *   { address: "0000:65:00.0", model: "10de:2330" },
 * ];
 * const place = { localRank: 1, localSize: 2 };
 * const { id, env } = chooseCard({ cards, ids: null, place, layer: "places", shares: false });
 * assert.equal(id, 1);
 * assert.equal(env.DRI_PRIME, "pci-0000_65_00_0");
 * ```
 */
export function chooseCard(
  choice: CardChoice,
): { readonly id: number | null; readonly env: Readonly<Record<string, string>> } {
  const { cards, layer } = choice;
  const id = numberOf(choice);
  const card = id === null ? undefined : cards[id];
  if (id === null || card === undefined || cards.length === 1) return { id, env: {} };
  const env = { MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE: "1" };
  const isOnly = cards.filter(({ model }) => model === card.model).length === 1;
  if (layer === "none" || layer === "models" && !isOnly) {
    const found = layer === "none" ? "none" : "an older one, which tells only models apart";
    throw new RangeError(
      `Cannot choose GPU ${nameCard(card, id)}: wanted Mesa's device-select layer, ` +
        `mesa-vulkan-drivers of version 23.1 or later, found ${found}`,
    );
  }
  if (isOnly) return { id, env: { ...env, MESA_VK_DEVICE_SELECT: card.model } };
  return { id, env: { ...env, DRI_PRIME: `pci-${card.address.replaceAll(/[:.]/g, "_")}` } };
}
