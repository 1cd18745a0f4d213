import { FunctionCompiler, ModuleFacts } from "./compile_function.ts";
import type { StorageMemory, WorkgroupMemory } from "./memory.ts";
import { type Module } from "./spirv.ts";
import type { Frame } from "./waits.ts";

/** What a compiled entry point reaches; all by the ids of variables. */
export interface Surroundings {
  readonly workgroup: ReadonlyMap<number, WorkgroupMemory>;
  readonly storage: ReadonlyMap<number, StorageMemory>;
  /** Is told of an index outside an array of fixed size. */
  readonly onIndex: (index: number, count: number, where: string) => void;
}

/** Starts an invocation, given the numbers of its inputs by the ids of their variables. */
export type Start = (inputs: ReadonlyMap<number, readonly number[]>) => Frame;

/** The JavaScript of a module. */
function javaScriptOf(module: Module): string {
  const facts = new ModuleFacts(module);
  const { functions, entry, variables } = module;
  const bodies = [...functions.values()].map((body) =>
    new FunctionCompiler(module, facts, body).compile()
  );
  const start = facts.waits(entry) ? `f${entry}` : `function* (inputs) { f${entry}(inputs); }`;
  const globals = [...variables.keys()].map((id) => `g${id}`);
  // Functions are made once, and their memory exchanged: V8 would optimise those of each run anew.
  return `"use strict"; let within, ${globals};
${bodies.join("\n")}
return { surround: (around) => { [within, ${globals}] = around; }, start: ${start} };`;
}

const words = new DataView(new ArrayBuffer(4));

/** Conversions of the bits of a number, as `bitcast` makes them. */
const bits = {
  f32Tou32(x: number): number {
    words.setFloat32(0, x);
    return words.getUint32(0);
  },
  u32Tof32(x: number): number {
    words.setUint32(0, x);
    return words.getFloat32(0);
  },
};

/**
 * Compiles a module to JavaScript.
 *
 * @returns What binds memory to its entry point, until it does so again.
 * @throws {TypeError} If an instruction is not known.
 */
export function compile(module: Module): (around: Surroundings) => Start {
  const source = javaScriptOf(module);
  const { surround, start } = new Function("round32", "round16", "bits", source)(
    Math.fround,
    Math.f16round,
    bits,
  );
  return ({ workgroup, storage, onIndex }) => {
    const within = (index: number, count: number, where: string) => {
      if (index < count) return index;
      onIndex(index, count, where);
      return count - 1;
    };
    const memories = [...module.variables.keys()].map((id) => workgroup.get(id) ?? storage.get(id));
    surround([within, ...memories]);
    return start;
  };
}
