import { findCards } from "./cards.ts";
import { CARD_VARIABLES, type CardChoice, chooseCard } from "./choose_card.ts";
import { gpusOf, type LaunchRequest } from "./launch_request.ts";
import { readVariable } from "./program.ts";
import { findSelectLayer } from "./select_layer.ts";

/**
 * Sees to it that this process opens its card: it must not have asked for an adapter yet. A choice that the environment
 * makes already stands where the command line makes none.
 *
 * @param request The flags.
 * @param place This process among those of its machine.
 * @throws {RangeError} If there is no such card, there are too few, or it cannot be chosen.
 */
export async function openCard(
  request: LaunchRequest,
  place: CardChoice["place"],
): Promise<void> {
  const ids = gpusOf(request, place.localSize);
  const isChosen = CARD_VARIABLES.some((name) => readVariable(name) !== undefined);
  if (ids === null && isChosen) return;
  const choice = await cardChoice(request, place);
  for (const [name, value] of Object.entries(chooseCard(choice).env)) Deno.env.set(name, value);
}

/** Gathers what the card of a rank is chosen by. */
export async function cardChoice(
  request: LaunchRequest,
  place: CardChoice["place"],
): Promise<CardChoice> {
  return {
    cards: await findCards(),
    ids: gpusOf(request, place.localSize),
    place,
    layer: findSelectLayer(),
    shares: request.share_gpu ?? false,
  };
}
