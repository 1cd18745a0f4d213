/** Prints what command lines come to, a line of JSON each, or the error: an array of arrays, each a task's name and arguments. */
import { parseCifar } from "../../tasks/training/cifar_options.ts";
import { parseFinetune } from "../../tasks/training/finetune_options.ts";
import { parseImageNet } from "../../tasks/training/imagenet_options.ts";
import { parseTable } from "../../tasks/table/table_options.ts";
import { parseBench } from "../bench/options.ts";

const PARSERS: Readonly<Record<string, (args: string[]) => unknown>> = {
  cifar: parseCifar,
  finetune: parseFinetune,
  imagenet: parseImageNet,
  table: parseTable,
  bench: parseBench,
};

function parsed(task: string, args: string[]): unknown {
  try {
    return PARSERS[task]?.(args);
  } catch (error) {
    return String(error);
  }
}

const lines: [task: string, ...args: string[]][] = JSON.parse(Deno.args[0] ?? "[]");
for (const [task, ...args] of lines) console.log(JSON.stringify(parsed(task, args)));
