import assert from "node:assert/strict";
import type { Card } from "../../../tasks/launch/cards.ts";
import { type CardChoice, chooseCard } from "../../../tasks/launch/choose_card.ts";
import { refusalOf } from "../../support/refusal.ts";

const H100 = "10de:2330";
const TWINS: readonly Card[] = [
  { address: "0000:17:00.0", model: H100 },
  { address: "0001:65:00.0", model: H100 },
];
const MIXED: readonly Card[] = [
  { address: "0000:01:00.0", model: "8086:56a0" },
  { address: "0000:17:00.0", model: "1002:744c" },
];

const FORCE = { MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE: "1" };

/** What each rank of a machine opens. */
function choices(localSize: number, choice: Partial<CardChoice>) {
  return Array.from({ length: localSize }, (_, localRank) =>
    chooseCard({
      cards: TWINS,
      ids: null,
      layer: "places",
      shares: false,
      place: { localRank, localSize },
      ...choice,
    }));
}

Deno.test("chooseCard: cards of one model are told apart by their places", () => {
  assert.deepEqual(choices(2, {}), [
    { id: 0, env: { ...FORCE, DRI_PRIME: "pci-0000_17_00_0" } },
    { id: 1, env: { ...FORCE, DRI_PRIME: "pci-0001_65_00_0" } },
  ]);
});

Deno.test("chooseCard: ranks take the cards that are named, in that order", () => {
  assert.deepEqual(choices(2, { ids: [1, 0] }).map(({ id }) => id), [1, 0]);
  const [single] = choices(1, { ids: [1] });
  assert.deepEqual(single, { id: 1, env: { ...FORCE, DRI_PRIME: "pci-0001_65_00_0" } });
});

Deno.test("chooseCard: a card that is the only one of its model is chosen by it, for older layers too", () => {
  for (const layer of ["models", "places"] as const) {
    assert.deepEqual(choices(2, { cards: MIXED, layer }), [
      { id: 0, env: { ...FORCE, MESA_VK_DEVICE_SELECT: "8086:56a0" } },
      { id: 1, env: { ...FORCE, MESA_VK_DEVICE_SELECT: "1002:744c" } },
    ]);
  }
});

Deno.test("chooseCard: without a card, ranks open the software adapter", () => {
  const software = { id: null, env: {} };
  assert.deepEqual(choices(2, { cards: [], layer: "none" }), [software, software]);
  assert.deepEqual(choices(2, { cards: [], ids: [0, 1] }), [software, software]);
});

Deno.test("chooseCard: one card needs no choosing, whatever the layer", () => {
  assert.deepEqual(choices(1, { cards: TWINS.slice(0, 1), layer: "none" }), [{ id: 0, env: {} }]);
});

Deno.test("chooseCard: under Slurm the one card that a rank sees is its own", () => {
  const cards = TWINS.slice(0, 1);
  const place = { localRank: 3, localSize: 4, launcher: "srun" } as const;
  assert.deepEqual(choices(1, { cards, place }), [{ id: null, env: {} }]);
  const both = { localRank: 1, localSize: 2, launcher: "srun" } as const;
  assert.deepEqual(choices(1, { place: both }).map(({ id }) => id), [1]);
});

Deno.test("chooseCard: more ranks than cards are refused, unless they may share", () => {
  assert.throws(() => choices(3, {}), {
    name: "RangeError",
    message: "Cannot give 3 ranks a GPU each: wanted 3 cards, found 0 (NVIDIA 2330 at " +
      "0000:17:00.0), 1 (NVIDIA 2330 at 0001:65:00.0); --share_gpu lets ranks share one",
  });
  assert.deepEqual(choices(3, { shares: true }).map(({ id }) => id), [0, 1, 0]);
  assert.deepEqual(choices(2, { ids: [1, 1], shares: true }).map(({ id }) => id), [1, 1]);
});

Deno.test("chooseCard: a number that is not there names the cards that are", () => {
  assert.equal(
    refusalOf(() => choices(2, { cards: MIXED, ids: [0, 2] })),
    "Cannot open GPU 2: --gpu_id must name what is there, found 0 (Intel 56a0 at 0000:01:00.0), " +
      "1 (AMD 744c at 0000:17:00.0)",
  );
  assert.equal(
    refusalOf(() => choices(2, { cards: [], ids: [0, 2] })),
    "Cannot open GPU 2: --gpu_id must name what is there, found a software adapter and no card",
  );
});

Deno.test("chooseCard: where the layer cannot tell cards apart, it says what would", () => {
  const wanted = "Cannot choose GPU 0 (NVIDIA 2330 at 0000:17:00.0): wanted Mesa's device-select " +
    "layer, mesa-vulkan-drivers of version 23.1 or later, found ";
  assert.throws(() => choices(2, { layer: "none" }), {
    name: "RangeError",
    message: `${wanted}none`,
  });
  assert.throws(() => choices(2, { layer: "models" }), {
    name: "RangeError",
    message: `${wanted}an older one, which tells only models apart`,
  });
});
