import { markdownTable } from "npm:markdown-table@3.0.4";
import type { Outcome } from "./run_steps.ts";

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Says in one line what became of a step. */
export function lineOf({ name, figures, fault, isRight, seconds }: Outcome): string {
  const found = figures.map(({ what, value }) => what === "" ? value : `${what} ${value}`);
  const text = oneLine([...found, ...(fault === null ? [] : [fault])].join("; "));
  return `${name} (${seconds.toFixed(0)} s)${isRight ? "" : " FAILED"}: ${text}`;
}

/**
 * Puts what was found into a table for the README: a row a figure, and a row a step that found none.
 *
 * @param outcomes What became of the steps.
 * @param where The card, its driver, the versions and the date.
 * @returns Markdown.
 */
export function cardTable(outcomes: readonly Outcome[], where: string): string {
  const cell = (text: string) => oneLine(text).replaceAll("|", "\\|");
  const rows = outcomes.flatMap(({ name, figures, fault }) => [
    ...figures.map(({ what, value, command }) => [
      what === "" ? name : `${name}, ${what}`,
      value,
      command === "" ? "" : `\`${command}\``,
    ]),
    ...(fault === null ? [] : [[name, fault, ""]]),
  ]);
  const table = markdownTable([["what", "found", "command"], ...rows.map((row) => row.map(cell))], {
    alignDelimiters: false,
  });
  return `${where}\n\n${table}\n`;
}
