import { randomStream } from "../support/random.ts";
import type { CapturedDispatch } from "./capture.ts";
import type { Start, Surroundings } from "./compile.ts";
import {
  Clock,
  History,
  type OnFault,
  StorageMemory,
  type Who,
  WorkgroupMemory,
} from "./memory.ts";
import { Class, known, leavesOf, type Module, type Scalar } from "./spirv.ts";
import type { Frame, Numbers, Wait } from "./waits.ts";

/** A module with its compiled entry point. */
export interface Program {
  readonly module: Module;
  readonly around: (surroundings: Surroundings) => Start;
}

/** How a dispatch is run. */
export interface RunOptions {
  /** Invocations of a subgroup. */
  readonly subgroup: number;
  /** The most workgroups that are run. */
  readonly most: number;
  /** The same seed gives the same numbers in the buffers, whatever the order. */
  readonly seed: number;
}

/** Something that a kernel must not do. */
export interface Fault {
  /** What it is, in words that are the same wherever it happens. */
  readonly what: string;
  /** The invocations, and where. */
  readonly how: string;
}

/** What a run came to. */
export interface Run {
  readonly faults: readonly Fault[];
  /** What each binding holds then. */
  readonly contents: ReadonlyMap<number, Uint8Array<ArrayBuffer>>;
}

/** What Vulkan gives an invocation, by the numbers of its built-in variables. */
const BUILT_IN = {
  numWorkgroups: 24,
  workgroupId: 26,
  localInvocationId: 27,
  globalInvocationId: 28,
  localInvocationIndex: 29,
  subgroupSize: 36,
  numSubgroups: 38,
  subgroupId: 40,
  subgroupInvocationId: 41,
};

type Random = () => number;

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const [a, b] = [order[at], order[other]];
    if (a !== undefined && b !== undefined) [order[at], order[other]] = [b, a];
  }
  return order;
}

/** Which workgroups run: neighbours at both ends, where most goes wrong, and some between. */
function sample(total: number, most: number, random: Random): number[] {
  const all = Array.from({ length: Math.min(total, most) }, (_, at) => at);
  if (total <= most) return all;
  const ends = Math.floor(most / 3);
  const chosen = new Set(all.slice(0, ends).flatMap((at) => [at, total - 1 - at]));
  while (chosen.size < most) chosen.add(Math.floor(random() * total));
  return [...chosen];
}

/** Sixteenths from -1/4 to 1, whose sums and products are exact in any order; small integers. */
function fill(range: Uint8Array<ArrayBuffer>, scalar: Scalar, random: Random): void {
  const { buffer, byteOffset, byteLength } = range;
  const real = () => Math.floor(random() * 21 - 4) / 16;
  if (scalar === "f16") {
    new Float16Array(buffer, byteOffset, byteLength / 2).forEach((_, at, all) => all[at] = real());
  } else if (scalar === "f32") {
    new Float32Array(buffer, byteOffset, byteLength / 4).forEach((_, at, all) => all[at] = real());
  } else {
    new Uint32Array(buffer, byteOffset, byteLength / 4).forEach((_, at, all) =>
      all[at] = Math.floor(random() * 3)
    );
  }
}

function described({ workgroup, lane }: Who): string {
  return `invocation ${lane} of workgroup ${workgroup}`;
}

interface Lane {
  readonly index: number;
  /** The functions that it is in, the innermost last; none once it has returned. */
  readonly frames: Frame[];
  wait: Wait | null;
  /** What a subgroup operation gave it. */
  given: Numbers;
  /** How many subgroup operations it has come to. */
  operations: number;
}

/** One run of a dispatch. */
class DispatchRun {
  readonly #faults = new Map<string, Fault>();
  readonly #clocks: { readonly workgroup: Clock; readonly storage: Clock };
  readonly #workgroupMemory = new Map<number, WorkgroupMemory>();
  readonly #storage = new Map<number, StorageMemory>();
  readonly #contents = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #lanes: number;
  readonly #order: Random;
  readonly #start: Start;
  #who: Who = { workgroup: 0, lane: 0 };

  constructor(
    private readonly program: Program,
    private readonly dispatch: CapturedDispatch,
    private readonly options: RunOptions,
  ) {
    const { size } = program.module;
    this.#lanes = size.reduce((product, along) => product * along, 1);
    this.#order = randomStream(options.seed + options.subgroup);
    this.#clocks = {
      workgroup: new Clock(this.#lanes, false),
      storage: new Clock(this.#lanes, true),
    };
    this.#bind();
    this.#start = program.around({
      workgroup: this.#workgroupMemory,
      storage: this.#storage,
      onIndex: (index, count, where) =>
        this.#report(
          `index past the end of ${count} in ${where}`,
          described(this.#who),
          `index ${index}`,
        ),
    });
  }

  run(): Run {
    const [x, y, z] = this.dispatch.grid;
    const random = randomStream(this.options.seed);
    const chosen = sample(x * y * z, this.options.most, random);
    for (const workgroup of shuffled(chosen, this.#order)) this.#runGroup(workgroup);
    return {
      faults: [...this.#faults.values()],
      contents: this.#contents,
    };
  }

  #report(what: string, ...how: string[]): void {
    if (!this.#faults.has(what)) this.#faults.set(what, { what, how: how.join(", ") });
  }

  #onFaultIn(memory: string): OnFault {
    return (what, where, other) => {
      const who = [this.#who, ...other === undefined ? [] : [other]].map(described).join(" and ");
      this.#report(`${memory}: ${what}`, who, where);
    };
  }

  #bind(): void {
    const { module } = this.program;
    const random = randomStream(this.options.seed);
    const buffers = Map.groupBy(this.dispatch.bindings, ({ buffer }) => buffer);
    const made = new Map([...buffers].map(([buffer, ranges]) => {
      const begin = Math.min(...ranges.map(({ offset }) => offset));
      const end = Math.max(...ranges.map(({ offset, size }) => offset + size));
      const history = new History(
        (end - begin) / 2,
        this.#clocks.storage,
        this.#onFaultIn(`bindings ${ranges.map(({ binding }) => binding).join(" and ")}`),
      );
      return [buffer, { begin, bytes: new Uint8Array(end - begin), history }] as const;
    }));
    for (const [id, { type, place, binding }] of module.variables) {
      if (place === Class.Workgroup) {
        const name = `workgroup variable ${this.#workgroupMemory.size + 1}`;
        const cells = leavesOf(module.types, type).length;
        const memory = new WorkgroupMemory(cells, this.#clocks.workgroup, this.#onFaultIn(name));
        this.#workgroupMemory.set(id, memory);
      } else if (place === Class.StorageBuffer) {
        const bound = this.dispatch.bindings.find((range) => range.binding === binding);
        if (bound === undefined) throw new TypeError(`Binding ${binding} must be bound`);
        const { begin, bytes, history } = known(made, bound.buffer);
        const from = bound.offset - begin;
        const range = bytes.subarray(from, from + bound.size);
        fill(range, leavesOf(module.types, type)[0]?.scalar ?? "f32", random);
        this.#contents.set(bound.binding, range);
        const onFault = this.#onFaultIn(`binding ${binding}`);
        this.#storage.set(id, new StorageMemory(range, history, onFault));
      }
    }
  }

  #inputs(workgroup: number, lane: number): Map<number, readonly number[]> {
    const { module } = this.program;
    const { subgroup } = this.options;
    const [width, height] = this.dispatch.grid;
    const [x = 1, y = 1] = module.size;
    const group = [
      workgroup % width,
      Math.floor(workgroup / width) % height,
      Math.floor(workgroup / width / height),
    ];
    const local = [lane % x, Math.floor(lane / x) % y, Math.floor(lane / x / y)];
    const values: Readonly<Record<number, readonly number[]>> = {
      [BUILT_IN.numWorkgroups]: this.dispatch.grid,
      [BUILT_IN.workgroupId]: group,
      [BUILT_IN.localInvocationId]: local,
      [BUILT_IN.globalInvocationId]: group.map((at, axis) =>
        at * (module.size[axis] ?? 1) + (local[axis] ?? 0)
      ),
      [BUILT_IN.localInvocationIndex]: [lane],
      [BUILT_IN.subgroupSize]: [subgroup],
      [BUILT_IN.numSubgroups]: [Math.ceil(this.#lanes / subgroup)],
      [BUILT_IN.subgroupId]: [Math.floor(lane / subgroup)],
      [BUILT_IN.subgroupInvocationId]: [lane % subgroup],
    };
    const inputs = new Map<number, readonly number[]>();
    for (const [id, { builtIn }] of module.variables) {
      if (builtIn === undefined) continue;
      const value = values[builtIn];
      if (value === undefined) throw new TypeError(`Built-in variable ${builtIn} is not known`);
      inputs.set(id, value);
    }
    return inputs;
  }

  #runGroup(workgroup: number): void {
    const clocks = Object.values(this.#clocks);
    for (const clock of clocks) clock.beginGroup(workgroup);
    for (const memory of this.#workgroupMemory.values()) memory.clear();
    const lanes = Array.from({ length: this.#lanes }, (_, index): Lane => ({
      index,
      frames: [this.#start(this.#inputs(workgroup, index))],
      wait: null,
      given: undefined,
      operations: 0,
    }));
    for (let ready = lanes; ready.length > 0;) {
      for (const lane of shuffled(ready, this.#order)) {
        this.#who = { workgroup, lane: lane.index };
        for (const clock of clocks) clock.enter(lane.index);
        this.#resume(lane);
      }
      ready = this.#endSubgroupOperations(lanes);
      if (ready.length === 0) ready = this.#endBarrier(lanes);
    }
  }

  /** Lets an invocation run until it waits or returns. */
  #resume(lane: Lane): void {
    let given = lane.given;
    lane.wait = null;
    lane.given = undefined;
    for (let frame = lane.frames.at(-1); frame !== undefined; frame = lane.frames.at(-1)) {
      const { value, done } = frame.next(given);
      given = undefined;
      if (done) {
        lane.frames.pop();
        given = value;
      } else if ("kind" in value) {
        lane.wait = value;
        if (value.kind !== "barrier") lane.operations++;
        return;
      } else lane.frames.push(value);
    }
  }

  /** Gives each subgroup whose lanes have come to an operation its result. */
  #endSubgroupOperations(lanes: readonly Lane[]): Lane[] {
    const { subgroup } = this.options;
    const ready: Lane[] = [];
    for (let begin = 0; begin < lanes.length; begin += subgroup) {
      const members = lanes.slice(begin, begin + subgroup);
      const first = members.find(({ wait }) => wait !== null && wait.kind !== "barrier");
      if (first === undefined) continue;
      const isWith = ({ wait, operations }: Lane) =>
        wait?.site === first.wait?.site && wait?.kind === first.wait?.kind &&
        operations === first.operations;
      const absent = members.find((lane) => !isWith(lane));
      if (absent !== undefined) this.#reportDivergence("subgroup operation", first, absent);
      const present = members.filter(isWith);
      for (const lane of present) lane.given = this.#result(lane, present);
      ready.push(...present);
    }
    return ready;
  }

  #result({ index, wait }: Lane, present: readonly Lane[]): readonly number[] {
    if (wait === null || wait.kind === "barrier") return [];
    const valueOf = (lane: Lane) => lane.wait?.kind === "barrier" ? [] : lane.wait?.value ?? [];
    if (wait.kind === "add") {
      return wait.value.map((_, at) =>
        present.reduce((sum, lane) => Math.fround(sum + (valueOf(lane)[at] ?? 0)), 0)
      );
    }
    const { subgroup } = this.options;
    const own = index % subgroup;
    const asked = wait.kind === "shuffle" ? wait.from : own ^ wait.from;
    const from = present.find((lane) => lane.index % subgroup === asked);
    if (from !== undefined) return valueOf(from);
    this.#report(
      `shuffle from a lane that is not there`,
      described({ ...this.#who, lane: index }),
      `lane ${asked}`,
    );
    return wait.value;
  }

  /** Lets all lanes go on that wait at a barrier; none, where all have returned. */
  #endBarrier(lanes: readonly Lane[]): Lane[] {
    const waiting = lanes.filter(({ wait }) => wait !== null);
    const first = waiting[0];
    if (first?.wait?.kind !== "barrier") return [];
    const { site, orders } = first.wait;
    const absent = lanes.find((lane) => lane.wait?.site !== site);
    if (absent !== undefined) this.#reportDivergence("barrier", first, absent);
    if (orders.workgroup) this.#clocks.workgroup.passBarrier();
    if (orders.storage) this.#clocks.storage.passBarrier();
    return waiting;
  }

  #reportDivergence(what: string, present: Lane, absent: Lane): void {
    const where = absent.wait === null
      ? "after another has returned"
      : "while another waits elsewhere";
    const [one, other] = [present, absent].map(({ index }) =>
      described({ ...this.#who, lane: index })
    );
    this.#report(`reaches a ${what} ${where}`, `${one} and ${other}`);
  }
}

/**
 * Runs a dispatch, or a sample of its workgroups, on made-up numbers, invocation by invocation in random order, and
 * watches what memory they share.
 */
export function runDispatch(
  program: Program,
  dispatch: CapturedDispatch,
  options: RunOptions,
): Run {
  return new DispatchRun(program, dispatch, options).run();
}
