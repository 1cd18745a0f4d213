import assert from "node:assert/strict";
import { nameCard, parseCards } from "../../../tasks/launch/cards.ts";
import { describeRank } from "../../../tasks/launch/describe_ranks.ts";

const LIST = `0000:65:00.0 0x10de 0x2330
0000:03:00.0 0x1a03 0x2000
0000:17:00.0 0x1002 0x744c
cat: /sys/bus/pci/devices/0000:00:02.0/vendor: No such file
`;

Deno.test("parseCards: cards come in the order of their places, without a server's console", () => {
  assert.deepEqual(parseCards(LIST), [
    { address: "0000:17:00.0", model: "1002:744c" },
    { address: "0000:65:00.0", model: "10de:2330" },
  ]);
  assert.deepEqual(parseCards(""), []);
});

const REPORT = `adapter    NVIDIA H100
driver     NVIDIA
software   no
kernel     conv2d gives the right numbers
`;
const CARD = { card: { address: "0000:65:00.0", model: "10de:2330" }, id: 1 };

Deno.test("describeRank: names the card that was chosen and what answered", () => {
  assert.equal(
    describeRank(REPORT, { card: CARD, shares: false }),
    "GPU 1 (NVIDIA 2330 at 0000:65:00.0): NVIDIA H100; conv2d gives the right numbers",
  );
  assert.equal(nameCard(CARD.card, 0), "0 (NVIDIA 2330 at 0000:65:00.0)");
  const software = REPORT.replace("no\n", "yes: it computes on the CPU\n");
  assert.match(describeRank(software, { card: null, shares: false }), /^NVIDIA H100; conv2d/);
  assert.equal(
    describeRank("", { card: null, shares: false }),
    "no adapter; conv2d did not run",
  );
});

Deno.test("describeRank: a GPU that no rank chose is opened by all, and refused unless they may share", () => {
  assert.throws(() => describeRank(REPORT, { card: null, shares: false }), {
    name: "RangeError",
    message:
      "Cannot give each rank a GPU: wanted cards to choose from, found only NVIDIA H100 as the " +
      "adapter of each; --share_gpu lets ranks share it",
  });
  assert.match(describeRank(REPORT, { card: null, shares: true }), /^NVIDIA H100; conv2d/);
});
