import { ELEMENTWISE, EXTENDED, rounded, UMIN } from "./arithmetic.ts";
import { loads, offsetOf, type Pointer, stores } from "./pointers.ts";
import {
  Class,
  type FunctionBody,
  type Instruction,
  known,
  leavesOf,
  type Module,
  Op,
  type Scalar,
  sizeOf,
  type Type,
} from "./spirv.ts";
import type { Orders, Wait } from "./waits.ts";

const MEMORY_SEMANTICS = { uniform: 0x40, workgroup: 0x100 };
const WORKGROUP_SCOPE = 2;
const REDUCE = 0;

const SUBGROUP_OPS: ReadonlyMap<number, "add" | "shuffle" | "shuffleXor"> = new Map([
  [345, "shuffle"], // GroupNonUniformShuffle
  [346, "shuffleXor"], // GroupNonUniformShuffleXor
  [350, "add"], // GroupNonUniformFAdd
]);

function literal(value: number | boolean): string {
  return Object.is(value, -0) || Number(value) < 0 ? `(-${-Number(value)})` : `${value}`;
}

/** What the functions of a module ask about it. */
export class ModuleFacts {
  readonly #waits = new Map<number, boolean>();
  #sites = 0;

  constructor(private readonly module: Module) {}

  /** A number for a barrier. */
  newSite(): number {
    return this.#sites++;
  }

  type(id: number): Type {
    return known(this.module.types, id);
  }

  leaves(id: number, matrixStride?: number) {
    return this.type(id).kind === "void" ? [] : leavesOf(this.module.types, id, matrixStride);
  }

  /** Whether a function has a barrier or a subgroup operation, and so is a generator. */
  waits(id: number): boolean {
    const found = this.#waits.get(id);
    if (found !== undefined) return found;
    const all = [...known(this.module.functions, id).blocks.values()].flat();
    const waits = all.some(({ op, operands: [callee = 0] }) =>
      op === Op.ControlBarrier || SUBGROUP_OPS.has(op) ||
      (op === Op.FunctionCall && this.waits(callee))
    );
    this.#waits.set(id, waits);
    return waits;
  }
}

/** Compiles a function to JavaScript, in which a value is one variable for each of its numbers. */
export class FunctionCompiler {
  readonly #lines: string[] = [];
  readonly #names = new Set<string>();
  readonly #values = new Map<number, readonly string[]>();
  readonly #pointers = new Map<number, Pointer>();
  /** Indices that were kept within an array: what they were before, and the last one allowed. */
  readonly #clamped = new Map<number, { index: number; last: number }>();
  /** The labels that a `break` of that name leads to. */
  readonly #exits: number[] = [];
  /** The headers of the loops that are open, and the label that a `continue` names. */
  readonly #loops = new Map<number, number>();

  constructor(
    private readonly module: Module,
    private readonly whole: ModuleFacts,
    private readonly body: FunctionBody,
  ) {
    for (const [id, { type, place }] of module.variables) {
      this.#pointers.set(
        id,
        this.#pointer(type, place, {
          memory: place === Class.Input ? `inputs.get(${id})` : `g${id}`,
        }),
      );
    }
  }

  compile(): string {
    const { id, parameters, blocks } = this.body;
    const names = parameters.flatMap(({ id, type }) => {
      const of = this.whole.type(type);
      if (of.kind !== "pointer") {
        const value = this.whole.leaves(type).map((_, at) => `v${id}_${at}`);
        this.#values.set(id, value);
        return value;
      }
      const at = { memory: `p${id}`, terms: [`o${id}`] };
      this.#pointers.set(id, this.#pointer(of.of, of.place, at));
      return [`p${id}`, `o${id}`];
    });
    const [first = 0] = blocks.keys();
    this.#emitBlock(first);
    const declared = this.#names.size > 0 ? `let ${[...this.#names].join(", ")};\n` : "";
    const isEntry = id === this.module.entry;
    return `function${this.whole.waits(id) ? "*" : ""} f${id}(${
      isEntry ? "inputs" : names.join(", ")
    }) {\n${declared}${this.#lines.join("\n")}\n}`;
  }

  #pointer(
    type: number,
    place: number,
    { memory, terms = [], isSpread = false }: {
      memory: string;
      terms?: readonly string[];
      isSpread?: boolean;
    },
  ): Pointer {
    return { type, place, memory, offset: 0, terms, isSpread, matrixStride: 0 };
  }

  /** The numbers of a value. */
  #value(id: number): readonly string[] {
    return this.#values.get(id) ?? known(this.module.constants, id).map(literal);
  }

  #scalar(id: number): string {
    return this.#value(id)[0] ?? "undefined";
  }

  #constant(id: number): number | undefined {
    const constant = this.module.constants.get(id);
    return constant === undefined ? undefined : Number(constant[0]);
  }

  #typeOf(id: number): Type {
    return this.whole.type(known(this.module.typeOf, id));
  }

  #scalarType(type: number): Scalar {
    return this.whole.leaves(type)[0]?.scalar ?? "u32";
  }

  /** Names a result, one variable for each of its numbers. */
  #name({ result, type }: Instruction): readonly string[] {
    const names = this.whole.leaves(type).map((_, at) => `v${result}_${at}`);
    for (const name of names) this.#names.add(name);
    this.#values.set(result, names);
    return names;
  }

  #assign(instruction: Instruction, expressions: readonly string[]): void {
    this.#name(instruction).forEach((name, at) =>
      this.#lines.push(`${name} = ${expressions[at]};`)
    );
  }

  /** Assigns the elements of an array, without the iterator that destructuring would make. */
  #assignParts(names: readonly string[], array: string): void {
    this.#names.add("parts");
    this.#lines.push(`parts = ${array};`, ...names.map((name, at) => `${name} = parts[${at}];`));
  }

  #emitBlock(label: number): void {
    const block = known(this.body.blocks, label);
    const loop = block.find(({ op }) => op === Op.LoopMerge);
    if (loop === undefined) return this.#emitInstructions(block);
    const [after = 0, next = 0] = loop.operands;
    this.#loops.set(label, after);
    this.#exits.push(after, next);
    this.#lines.push(`L${after}: for (;;) { L${next}: {`);
    this.#emitInstructions(block);
    this.#lines.push("}");
    this.#exits.pop();
    this.#emitBlock(next);
    this.#lines.push("}");
    this.#exits.pop();
    this.#loops.delete(label);
    this.#emitBlock(after);
  }

  #emitInstructions(block: readonly Instruction[]): void {
    const merge = block.find(({ op }) => op === Op.SelectionMerge)?.operands[0];
    const last = block.at(-1);
    for (const instruction of block) {
      if (instruction !== last) this.#emit(instruction);
    }
    if (last === undefined) return;
    if (merge === undefined) return this.#emitEnd(last);
    this.#exits.push(merge);
    this.#lines.push(`L${merge}: {`);
    this.#emitEnd(last);
    this.#lines.push("}");
    this.#exits.pop();
    this.#emitBlock(merge);
  }

  #branch(label: number): void {
    const loop = this.#loops.get(label);
    if (this.#exits.includes(label)) this.#lines.push(`break L${label};`);
    else if (loop !== undefined) this.#lines.push(`continue L${loop};`);
    else this.#emitBlock(label);
  }

  #emitEnd({ op, operands }: Instruction): void {
    const [a = 0, b = 0, c = 0] = operands;
    switch (op) {
      case Op.Branch:
        return this.#branch(a);
      case Op.BranchConditional:
        this.#lines.push(`if (${this.#scalar(a)}) {`);
        this.#branch(b);
        this.#lines.push("} else {");
        this.#branch(c);
        return void this.#lines.push("}");
      case Op.Switch:
        this.#lines.push(`switch (${this.#scalar(a)}) {`);
        for (let at = 2; at < operands.length; at += 2) {
          this.#lines.push(`case ${operands[at]}: {`);
          this.#branch(operands[at + 1] ?? 0);
          this.#lines.push("}");
        }
        this.#lines.push("default: {");
        this.#branch(b);
        return void this.#lines.push("} }");
      case Op.Return:
        return void this.#lines.push("return;");
      case Op.ReturnValue: {
        const value = this.#value(a);
        return void this.#lines.push(`return ${value.length > 1 ? `[${value}]` : value[0]};`);
      }
      default:
        throw new TypeError(`Cannot compile SPIR-V: opcode ${op} at a block's end is not known`);
    }
  }

  #emit(instruction: Instruction): void {
    const { op, type, result, operands } = instruction;
    const [a = 0, b = 0, c = 0, d = 0] = operands;
    const elementwise = ELEMENTWISE.get(op);
    if (elementwise !== undefined) {
      return this.#assign(instruction, this.#each(type, operands, elementwise));
    }
    const subgroup = SUBGROUP_OPS.get(op);
    if (subgroup !== undefined) return this.#waitForSubgroup(instruction, subgroup);
    switch (op) {
      case Op.LoopMerge:
      case Op.SelectionMerge:
        return;
      case Op.ExtInst:
        return this.#extended(instruction);
      case Op.FunctionCall:
        return this.#call(instruction);
      case Op.Variable:
        return this.#variable(instruction);
      case Op.Load:
        return this.#assign(instruction, this.#load(known(this.#pointers, a)));
      case Op.Store:
        return this.#store(known(this.#pointers, a), this.#value(b));
      case Op.AccessChain:
        return void this.#pointers.set(result, this.#accessChain(operands));
      case Op.ArrayLength:
        return this.#assign(instruction, [this.#arrayLength(a, b)]);
      case Op.VectorShuffle: {
        const both = [...this.#value(a), ...this.#value(b)];
        return void this.#values.set(result, operands.slice(2).map((at) => both[at] ?? "0"));
      }
      case Op.CompositeConstruct:
        return void this.#values.set(result, operands.flatMap((id) => this.#value(id)));
      case Op.CompositeExtract:
        return void this.#values.set(result, this.#extract(operands));
      case Op.Transpose: {
        const columns = this.#value(a);
        const rows = columns.length / this.#columns(a);
        return void this.#values.set(
          result,
          columns.map((_, at) =>
            columns[at % this.#columns(a) * rows + Math.floor(at / this.#columns(a))] ?? "0"
          ),
        );
      }
      case Op.AtomicUMax: {
        const pointer = known(this.#pointers, a);
        const changed = `${pointer.memory}.atomicMax(${offsetOf(pointer, 0)}, ${this.#scalar(d)})`;
        return this.#assign(instruction, [changed]);
      }
      case Op.ControlBarrier:
        return this.#barrier(operands);
      case Op.Bitcast: {
        const [from, to] = [this.#scalarType(known(this.module.typeOf, a)), this.#scalarType(type)];
        const cast = (x: string) => from === to ? x : `bits.${from}To${to}(${x})`;
        return this.#assign(instruction, this.#value(a).map(cast));
      }
      case Op.VectorTimesScalar:
      case Op.MatrixTimesScalar:
        return this.#assign(
          instruction,
          this.#value(a).map((x) => rounded(this.#scalarType(type), `${x} * ${this.#scalar(b)}`)),
        );
      case Op.VectorTimesMatrix:
        return this.#product(instruction, this.#columnsOf(b), this.#value(a));
      case Op.Dot:
        return this.#product(instruction, [this.#value(a)], this.#value(b));
      case Op.Any:
        return this.#assign(instruction, [this.#value(a).join(" || ")]);
      case Op.All:
        return this.#assign(instruction, [this.#value(a).join(" && ")]);
      case Op.Select: {
        const conditions = this.#value(a);
        return this.#assign(
          instruction,
          this.#value(b).map((x, at) =>
            `${conditions[conditions.length > 1 ? at : 0]} ? ${x} : ${this.#value(c)[at]}`
          ),
        );
      }
      default:
        throw new TypeError(`Cannot compile SPIR-V: opcode ${op} is not known`);
    }
  }

  #each(
    type: number,
    operands: readonly number[],
    expression: (...operands: string[]) => string,
  ): string[] {
    const values = operands.map((id) => this.#value(id));
    return this.whole.leaves(type).map(({ scalar }, at) =>
      rounded(scalar, expression(...values.map((value) => value[at] ?? "0")))
    );
  }

  #extended(instruction: Instruction): void {
    const [, number = 0, ...operands] = instruction.operands;
    const expression = EXTENDED.get(number);
    if (expression === undefined) {
      throw new TypeError(`Cannot compile SPIR-V: GLSL.std.450 ${number} is not known`);
    }
    const [index = 0, last = 0] = operands;
    const most = this.#constant(last);
    if (number === UMIN && most !== undefined) {
      this.#clamped.set(instruction.result, { index, last: most });
    }
    this.#assign(instruction, this.#each(instruction.type, operands, expression));
  }

  #call(instruction: Instruction): void {
    const [callee = 0, ...operands] = instruction.operands;
    const given = operands.flatMap((id) => {
      const pointer = this.#pointers.get(id);
      return pointer === undefined ? this.#value(id) : [pointer.memory, offsetOf(pointer, 0)];
    });
    const call = `${this.whole.waits(callee) ? "yield " : ""}f${callee}(${given.join(", ")})`;
    const names = this.#name(instruction);
    if (names.length > 1) this.#assignParts(names, call);
    else this.#lines.push(names.length === 1 ? `${names[0]} = ${call};` : `${call};`);
  }

  /** A variable of a function: an array where an index into it is computed or another function sees it. */
  #variable({ result, type, operands: [, initial] }: Instruction): void {
    const pointer = this.whole.type(type);
    if (pointer.kind !== "pointer") throw new TypeError("A variable must have a pointer's type");
    const isSpread = !this.#needsArray(result);
    const memory = `m${result}`;
    const count = this.whole.leaves(pointer.of).length;
    const made = this.#pointer(pointer.of, Class.Function, { memory, isSpread });
    this.#pointers.set(result, made);
    for (let at = 0; at < count && isSpread; at++) this.#names.add(`${memory}_${at}`);
    if (!isSpread) {
      this.#names.add(memory);
      this.#lines.push(`${memory} = new Array(${count}).fill(0);`);
    }
    if (initial !== undefined) this.#store(made, this.#value(initial));
  }

  #needsArray(variable: number): boolean {
    const pointers = new Set([variable]);
    for (const { op, result, operands } of [...this.body.blocks.values()].flat()) {
      if (op === Op.FunctionCall && operands.some((id) => pointers.has(id))) return true;
      if (op !== Op.AccessChain || !pointers.has(operands[0] ?? 0)) continue;
      if (operands.slice(1).some((id) => this.#constant(id) === undefined)) return true;
      pointers.add(result);
    }
    return false;
  }

  /** The elements of the array with which a buffer's struct ends. */
  #arrayLength(base: number, at: number): string {
    const { type, memory } = known(this.#pointers, base);
    const struct = this.whole.type(type);
    const member = struct.kind === "struct" ? struct.members[at] : undefined;
    const array = this.whole.type(member?.of ?? 0);
    if (member === undefined || array.kind !== "runtime array") {
      throw new TypeError("Cannot compile SPIR-V: a length must be that of a buffer's array");
    }
    return `Math.floor((${memory}.range.byteLength - ${member.offset}) / ${array.stride})`;
  }

  #accessChain([base = 0, ...indices]: readonly number[]): Pointer {
    const from = known(this.#pointers, base);
    const isBuffer = from.place === Class.StorageBuffer;
    let { type: id, offset, matrixStride } = from;
    const terms = [...from.terms];
    for (const index of indices) {
      const type = this.whole.type(id);
      if (type.kind === "struct") {
        const at = this.#constant(index) ?? 0;
        const before = type.members.slice(0, at);
        const member = type.members[at];
        if (member === undefined) throw new TypeError("A struct must have the member asked for");
        offset += isBuffer
          ? member.offset
          : before.reduce((sum, { of }) => sum + this.whole.leaves(of).length, 0);
        [id, matrixStride] = [member.of, member.matrixStride];
        continue;
      }
      if (!("of" in type) || type.kind === "pointer") {
        throw new TypeError(`Cannot index a ${type.kind}`);
      }
      const stride = isBuffer
        ? this.#stride(type, matrixStride)
        : this.whole.leaves(type.of).length;
      const constant = this.#constant(index);
      if (constant !== undefined) offset += constant * stride;
      else if (type.kind === "runtime array") terms.push(`${this.#scalar(index)} * ${stride}`);
      else {
        const where = from.place === Class.Workgroup
          ? `workgroup memory ${from.memory}`
          : "an array";
        terms.push(`${this.#index(index, type.count, where)} * ${stride}`);
      }
      id = type.of;
    }
    return { ...from, type: id, offset, terms, matrixStride };
  }

  #stride(type: Type, matrixStride: number): number {
    if (type.kind === "vector") return sizeOf(this.module.types, type.of);
    return "stride" in type ? type.stride : matrixStride;
  }

  /** An index, which is reported where it is not below a count. The compiler's own limit on it is left out. */
  #index(id: number, count: number, where: string): string {
    const clamped = this.#clamped.get(id);
    const index = clamped?.last === count - 1 ? clamped.index : id;
    return `within(${this.#scalar(index)}, ${count}, "${where}")`;
  }

  #load(pointer: Pointer): string[] {
    return loads(pointer, this.whole.leaves(pointer.type, pointer.matrixStride));
  }

  #store(pointer: Pointer, value: readonly string[]): void {
    const leaves = this.whole.leaves(pointer.type, pointer.matrixStride);
    this.#lines.push(...stores(pointer, leaves, value));
  }

  #extract([from = 0, ...path]: readonly number[]): readonly string[] {
    let [value, id] = [this.#value(from), known(this.module.typeOf, from)];
    for (const at of path) {
      const type = this.whole.type(id);
      const parts = type.kind === "struct"
        ? type.members.map(({ of }) => of)
        : "of" in type && "count" in type
        ? Array.from({ length: type.count }, () => type.of)
        : [];
      const sizes = parts.map((part) => this.whole.leaves(part).length);
      const begin = sizes.slice(0, at).reduce((sum, size) => sum + size, 0);
      value = value.slice(begin, begin + (sizes[at] ?? 0));
      id = parts[at] ?? 0;
    }
    return value;
  }

  #columns(id: number): number {
    const type = this.#typeOf(id);
    return "count" in type ? type.count : 1;
  }

  #columnsOf(matrix: number): readonly (readonly string[])[] {
    const value = this.#value(matrix);
    const rows = value.length / this.#columns(matrix);
    return Array.from(
      { length: this.#columns(matrix) },
      (_, at) => value.slice(at * rows, (at + 1) * rows),
    );
  }

  /** Sums of products with each row, each rounded once. */
  #product(
    instruction: Instruction,
    rows: readonly (readonly string[])[],
    vector: readonly string[],
  ): void {
    const scalar = this.#scalarType(instruction.type);
    const sum = (row: readonly string[]) =>
      rounded(scalar, row.map((x, at) => `${x} * ${vector[at]}`).join(" + "));
    this.#assign(instruction, rows.map(sum));
  }

  #barrier([execution = 0, , semantics = 0]: readonly number[]): void {
    if (this.#constant(execution) !== WORKGROUP_SCOPE) {
      throw new TypeError("Cannot compile SPIR-V: a barrier must be of the workgroup");
    }
    const bits = this.#constant(semantics) ?? 0;
    const orders: Orders = {
      workgroup: (bits & MEMORY_SEMANTICS.workgroup) !== 0,
      storage: (bits & MEMORY_SEMANTICS.uniform) !== 0,
    };
    const wait: Wait = { kind: "barrier", site: this.whole.newSite(), orders };
    this.#lines.push(`yield ${JSON.stringify(wait)};`);
  }

  #waitForSubgroup(
    instruction: Instruction,
    kind: "add" | "shuffle" | "shuffleXor",
  ): void {
    const [, second = 0, third = 0] = instruction.operands;
    const isAdd = kind === "add";
    if (isAdd && second !== REDUCE) {
      throw new TypeError("Cannot compile SPIR-V: a subgroup's sum must be of all lanes");
    }
    const [value, from] = isAdd ? [third, "0"] : [second, this.#scalar(third)];
    const names = this.#name(instruction);
    this.#assignParts(
      names,
      `yield { kind: "${kind}", site: ${instruction.result}, value: [${
        this.#value(value)
      }], from: ${from} }`,
    );
  }
}
