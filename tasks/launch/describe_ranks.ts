import { print } from "../command_line/screen.ts";
import { type Card, nameCard } from "./cards.ts";
import { chooseCard } from "./choose_card.ts";
import type { LaunchRequest } from "./launch_request.ts";
import { cardChoice } from "./open_card.ts";
import { readProgram } from "./program.ts";

/** What the doctor prints of one adapter, by titles. */
function readTitles(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").map((line) => [line.slice(0, 11).trimEnd(), line.slice(11)] as const),
  );
}

/**
 * Says what a rank opened.
 *
 * @param report What the doctor printed when it was started as that rank.
 * @param options.card The card that was chosen, with its number; `null` where there was nothing to choose from.
 * @param options.shares Whether ranks may share a card.
 * @returns One line.
 * @throws {RangeError} If it is a GPU that another rank opens as well.
 */
export function describeRank(
  report: string,
  { card, shares }: {
    readonly card: { readonly card: Card; readonly id: number } | null;
    readonly shares: boolean;
  },
): string {
  const titles = readTitles(report);
  const name = titles.get("adapter") ?? "no adapter";
  const isSoftware = titles.get("software")?.startsWith("yes") ?? true;
  if (card === null && !isSoftware && !shares) {
    throw new RangeError(
      `Cannot give each rank a GPU: wanted cards to choose from, found only ${name} as the adapter of each; ` +
        "--share_gpu lets ranks share it",
    );
  }
  const place = card === null ? "" : `GPU ${nameCard(card.card, card.id)}: `;
  return `${place}${name}; ${titles.get("kernel") ?? "conv2d did not run"}`;
}

/**
 * Opens the GPU of each rank that `--ngpu` would start on this machine, and prints what it is.
 *
 * @param request The flags.
 * @param count How many ranks there would be.
 * @returns The exit code.
 * @throws {UsageError} If no card has a number that was asked for.
 * @throws {RangeError} If two ranks would open the same card, or one cannot be chosen.
 */
export async function describeRanks(request: LaunchRequest, count: number): Promise<number> {
  const choice = await cardChoice(request, { localRank: 0, localSize: count });
  const ranks = Array.from({ length: count }, (_, localRank) => ({
    localRank,
    ...chooseCard({ ...choice, place: { localRank, localSize: count } }),
  }));
  const words = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    "--allow-env=XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND",
    Deno.mainModule,
  ];
  const codes: number[] = [];
  for (const { localRank, id, env } of ranks) {
    const { code, text } = await readProgram(words, { env });
    const card = id === null ? undefined : choice.cards[id];
    const chosen = id === null || card === undefined ? null : { card, id };
    const line = describeRank(text, { card: chosen, shares: choice.shares });
    print(`rank ${localRank}`.padEnd(11) + line);
    codes.push(code);
  }
  return Math.max(...codes);
}
