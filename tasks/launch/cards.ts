import { mayRunPrograms, readProgram } from "./program.ts";

/** A card that this process may open. */
export interface Card {
  /** Where it is plugged in, such as `0000:65:00.0`. */
  readonly address: string;
  /** Its maker and model, as PCI numbers them, such as `10de:2330`. */
  readonly model: string;
}

/** Makers of the cards that count; those that draw a server's console do not. */
const MAKERS: Readonly<Record<string, string>> = {
  "1002": "AMD",
  "10de": "NVIDIA",
  "8086": "Intel",
};

/**
 * Prints the place, maker and model of each card whose device file opens: containers and batch systems hide the others'.
 * Deno reads nothing under /sys and /dev, whatever its permissions, unless they are all.
 */
const LIST = `cd /sys/bus/pci/devices || exit
for card in *; do
  case $(cat $card/class) in 0x03* | 0x1200*) ;; *) continue ;; esac
  minor=$(sed -n 's/^Device Minor:[^0-9]*//p' /proc/driver/nvidia/gpus/$card/information)
  node=/dev/dri/$(ls $card/drm | grep renderD)
  test -z "$minor" || node=/dev/nvidia$minor
  test -c $node && (: < $node) && echo $card $(cat $card/vendor) $(cat $card/device)
done`;

/**
 * Reads a list of cards.
 *
 * @param text A line for each: place, maker and model.
 * @returns Those of known makers, in the order of their places.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const [card] = parseCards("0000:65:00.0 0x10de 0x2330\n");
 * assert.deepEqual(card, { address: "0000:65:00.0", model: "10de:2330" });
 * ```
 */
export function parseCards(text: string): Card[] {
  return [...text.matchAll(/^(\S+) 0x([0-9a-f]{4}) 0x([0-9a-f]{4})$/gm)]
    .map(([, address = "", maker = "", model = ""]) => ({ address, model: `${maker}:${model}` }))
    .filter(({ model }) => model.slice(0, 4) in MAKERS)
    .sort((a, b) => a.address < b.address ? -1 : 1);
}

/** Names a card as a person knows it, with its number. */
export function nameCard({ address, model }: Card, id: number): string {
  const [maker = "", number = ""] = model.split(":");
  return `${id} (${MAKERS[maker] ?? maker} ${number} at ${address})`;
}

/** Looks for the cards of this machine; where that may not be done, it finds none. */
export async function findCards(): Promise<Card[]> {
  if (Deno.build.os !== "linux" || !mayRunPrograms()) return [];
  return parseCards((await readProgram(["sh", "-c", LIST])).text);
}
