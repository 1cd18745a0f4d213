/** The opcodes that the interpreter asks for by name; those of arithmetic stand where it is done. */
export const Op = {
  ExtInst: 12,
  EntryPoint: 15,
  ExecutionMode: 16,
  TypeVoid: 19,
  TypeBool: 20,
  TypeInt: 21,
  TypeFloat: 22,
  TypeVector: 23,
  TypeMatrix: 24,
  TypeImage: 25,
  TypeArray: 28,
  TypeRuntimeArray: 29,
  TypeStruct: 30,
  TypePointer: 32,
  TypeFunction: 33,
  ConstantTrue: 41,
  ConstantFalse: 42,
  Constant: 43,
  ConstantComposite: 44,
  ConstantNull: 46,
  Function: 54,
  FunctionParameter: 55,
  FunctionEnd: 56,
  FunctionCall: 57,
  Variable: 59,
  Load: 61,
  Store: 62,
  AccessChain: 65,
  ArrayLength: 68,
  Decorate: 71,
  MemberDecorate: 72,
  VectorShuffle: 79,
  CompositeConstruct: 80,
  CompositeExtract: 81,
  Transpose: 84,
  Bitcast: 124,
  VectorTimesScalar: 142,
  MatrixTimesScalar: 143,
  VectorTimesMatrix: 144,
  Dot: 148,
  Any: 154,
  All: 155,
  Select: 169,
  ControlBarrier: 224,
  AtomicUMax: 239,
  LoopMerge: 246,
  SelectionMerge: 247,
  Label: 248,
  Branch: 249,
  BranchConditional: 250,
  Switch: 251,
  Return: 253,
  ReturnValue: 254,
} as const;

/** What stands before a module's first type and means nothing here: capabilities, names, imports, the memory model. */
const IGNORED: readonly number[] = [3, 5, 6, 10, 11, 14, 17];

/** The instructions of functions that make no value. */
const WITHOUT_RESULT: readonly number[] = [
  Op.Store,
  Op.ControlBarrier,
  Op.LoopMerge,
  Op.SelectionMerge,
  Op.Branch,
  Op.BranchConditional,
  Op.Switch,
  Op.Return,
  Op.ReturnValue,
];

/** Where a variable lies. */
export const Class = {
  Input: 1,
  Uniform: 2,
  Workgroup: 4,
  Function: 7,
  StorageBuffer: 12,
} as const;

const Decoration = {
  ArrayStride: 6,
  MatrixStride: 7,
  BuiltIn: 11,
  Binding: 33,
  Offset: 35,
} as const;

const LOCAL_SIZE = 17;

/** One number or truth value: as arithmetic and memory see it. Signed and unsigned integers are both `u32`. */
export type Scalar = "bool" | "u32" | "f16" | "f32";

/** A type; `of` is the type that it is made of. */
export type Type =
  | { readonly kind: "void" | "function" | "image" }
  | { readonly kind: "scalar"; readonly scalar: Scalar }
  | { readonly kind: "vector"; readonly of: number; readonly count: number }
  | { readonly kind: "matrix"; readonly of: number; readonly count: number }
  | { readonly kind: "array"; readonly of: number; readonly count: number; readonly stride: number }
  | { readonly kind: "runtime array"; readonly of: number; readonly stride: number }
  | { readonly kind: "struct"; readonly members: readonly Member[] }
  | { readonly kind: "pointer"; readonly of: number; readonly place: number };

/** A member of a struct. */
export interface Member {
  /** Its type. */
  readonly of: number;
  /** The bytes before it, in a buffer. */
  readonly offset: number;
  /** The bytes from a column to the next, if it is a matrix. */
  readonly matrixStride: number;
}

/** One number of a type, and the bytes before it where the type lies in a buffer. */
export interface Leaf {
  readonly scalar: Scalar;
  readonly offset: number;
}

/** An instruction of a function. */
export interface Instruction {
  readonly op: number;
  /** The type of its result; 0 where it has none. */
  readonly type: number;
  /** The id of its result; 0 where it has none. */
  readonly result: number;
  readonly operands: readonly number[];
}

/** A function: instructions by the label that they stand behind. */
export interface FunctionBody {
  readonly id: number;
  readonly parameters: readonly { readonly id: number; readonly type: number }[];
  /** Its blocks; it begins with the first. */
  readonly blocks: ReadonlyMap<number, readonly Instruction[]>;
}

/** A variable outside functions. */
export interface Variable {
  /** The type that it holds. */
  readonly type: number;
  readonly place: number;
  /** Its number in the bind group, of buffers. */
  readonly binding: number | undefined;
  /** What the GPU gives in it, of inputs. */
  readonly builtIn: number | undefined;
}

/** A compute shader of one entry point, as Vulkan gets it. */
export interface Module {
  /** The function of the entry point. */
  readonly entry: number;
  /** Invocations of a workgroup along x, y, z. */
  readonly size: readonly number[];
  readonly types: ReadonlyMap<number, Type>;
  /** The numbers that each constant consists of. */
  readonly constants: ReadonlyMap<number, readonly (number | boolean)[]>;
  readonly variables: ReadonlyMap<number, Variable>;
  readonly functions: ReadonlyMap<number, FunctionBody>;
  /** The type of every constant, variable, parameter and result. */
  readonly typeOf: ReadonlyMap<number, number>;
}

/** What is asked for by its id, which a valid module has. */
export function known<V>(map: ReadonlyMap<number, V>, id: number): V {
  const value = map.get(id);
  if (value === undefined) throw new TypeError(`Cannot read SPIR-V: id ${id} must be known`);
  return value;
}

/** The numbers that a type consists of, in order. A runtime array counts as one element. */
export function leavesOf(
  types: ReadonlyMap<number, Type>,
  id: number,
  matrixStride = 0,
): readonly Leaf[] {
  const type = known(types, id);
  const repeat = (of: number, count: number, stride: number) => {
    const element = leavesOf(types, of);
    return Array.from({ length: count }, (_, at) => at * stride)
      .flatMap((begin) =>
        element.map(({ scalar, offset }) => ({ scalar, offset: begin + offset }))
      );
  };
  switch (type.kind) {
    case "scalar":
      return [{ scalar: type.scalar, offset: 0 }];
    case "vector":
      return repeat(type.of, type.count, sizeOf(types, type.of));
    case "matrix":
      return repeat(type.of, type.count, matrixStride);
    case "array":
      return repeat(type.of, type.count, type.stride);
    case "runtime array":
      return leavesOf(types, type.of);
    case "struct":
      return type.members.flatMap((member) =>
        leavesOf(types, member.of, member.matrixStride)
          .map(({ scalar, offset }) => ({ scalar, offset: member.offset + offset }))
      );
    default:
      throw new TypeError(`Cannot read SPIR-V: a value must be of numbers, found a ${type.kind}`);
  }
}

/** The bytes of a scalar. */
export function sizeOf(types: ReadonlyMap<number, Type>, id: number): number {
  const type = known(types, id);
  return type.kind === "scalar" && type.scalar === "f16" ? 2 : 4;
}

function numberOf(scalar: Scalar, word: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setUint32(0, word);
  if (scalar === "f32") return bits.getFloat32(0);
  return scalar === "f16" ? bits.getFloat16(2) : word;
}

/** What decorations say, by the id, or the id and the number of the member, that they are about. */
class Decorations {
  readonly #words = new Map<string, number>();

  add([decoration = 0, word = 0]: readonly number[], ...about: readonly number[]): void {
    this.#words.set([...about, decoration].join(), word);
  }

  get(decoration: number, ...about: readonly number[]): number | undefined {
    return this.#words.get([...about, decoration].join());
  }
}

/** The instructions of a module: opcode and operands. */
function* instructions(words: Uint32Array): Generator<[op: number, ...operands: number[]]> {
  const HEADER = 5;
  for (let at = HEADER; at < words.length;) {
    const first = words[at] ?? 0;
    const end = at + Math.max(1, first >>> 16);
    yield [first & 0xffff, ...words.subarray(at + 1, end)];
    at = end;
  }
}

/** A function that is being read. */
interface OpenFunction {
  readonly id: number;
  readonly parameters: { id: number; type: number }[];
  readonly blocks: Map<number, Instruction[]>;
}

/**
 * Reads a module.
 *
 * @param words The module as Vulkan gets it.
 * @throws {TypeError} If an instruction outside functions is not known.
 */
export function readModule(words: Uint32Array): Module {
  const decorations = new Decorations();
  const types = new Map<number, Type>();
  const constants = new Map<number, readonly (number | boolean)[]>();
  const variables = new Map<number, Variable>();
  const functions = new Map<number, FunctionBody>();
  const typeOf = new Map<number, number>();
  let [entry, size]: [number, readonly number[]] = [0, []];
  let current: OpenFunction | null = null;
  let block: Instruction[] = [];

  const constant = (type: number, id: number, value: readonly (number | boolean)[]) => {
    typeOf.set(id, type);
    constants.set(id, value);
  };
  const scalarOf = (id: number): Scalar => {
    const type = known(types, id);
    return type.kind === "scalar" ? type.scalar : "u32";
  };
  const outside = (op: number, operands: readonly number[]) => {
    const [a = 0, b = 0, c = 0, ...rest] = operands;
    switch (op) {
      case Op.EntryPoint:
        return void (entry = b);
      case Op.ExecutionMode:
        if (b === LOCAL_SIZE) size = operands.slice(2);
        return;
      case Op.Decorate:
        return decorations.add(operands.slice(1), a);
      case Op.MemberDecorate:
        return decorations.add(operands.slice(2), a, b);
      case Op.TypeVoid:
        return void types.set(a, { kind: "void" });
      case Op.TypeFunction:
        return void types.set(a, { kind: "function" });
      case Op.TypeImage:
        return void types.set(a, { kind: "image" });
      case Op.TypeBool:
        return void types.set(a, { kind: "scalar", scalar: "bool" });
      case Op.TypeInt:
        return void types.set(a, { kind: "scalar", scalar: "u32" });
      case Op.TypeFloat:
        return void types.set(a, { kind: "scalar", scalar: b === 16 ? "f16" : "f32" });
      case Op.TypeVector:
        return void types.set(a, { kind: "vector", of: b, count: c });
      case Op.TypeMatrix:
        return void types.set(a, { kind: "matrix", of: b, count: c });
      case Op.TypeArray: {
        const count = Number(known(constants, c)[0]);
        const stride = decorations.get(Decoration.ArrayStride, a) ?? 0;
        return void types.set(a, { kind: "array", of: b, count, stride });
      }
      case Op.TypeRuntimeArray: {
        const stride = decorations.get(Decoration.ArrayStride, a) ?? 0;
        return void types.set(a, { kind: "runtime array", of: b, stride });
      }
      case Op.TypeStruct: {
        const members = operands.slice(1).map((of, at) => ({
          of,
          offset: decorations.get(Decoration.Offset, a, at) ?? 0,
          matrixStride: decorations.get(Decoration.MatrixStride, a, at) ?? 0,
        }));
        return void types.set(a, { kind: "struct", members });
      }
      case Op.TypePointer:
        return void types.set(a, { kind: "pointer", place: b, of: c });
      case Op.ConstantTrue:
      case Op.ConstantFalse:
        return constant(a, b, [op === Op.ConstantTrue]);
      case Op.Constant:
        return constant(a, b, [numberOf(scalarOf(a), c)]);
      case Op.ConstantComposite:
        return constant(a, b, [c, ...rest].flatMap((part) => known(constants, part)));
      case Op.ConstantNull:
        return constant(
          a,
          b,
          leavesOf(types, a).map(({ scalar }) => scalar === "bool" ? false : 0),
        );
      case Op.Variable: {
        const pointer = known(types, a);
        if (pointer.kind !== "pointer") {
          throw new TypeError("A variable must have a pointer's type");
        }
        typeOf.set(b, a);
        const binding = decorations.get(Decoration.Binding, b);
        const builtIn = decorations.get(Decoration.BuiltIn, b);
        return void variables.set(b, { type: pointer.of, place: c, binding, builtIn });
      }
      default:
        if (!IGNORED.includes(op)) {
          throw new TypeError(`Cannot read SPIR-V: opcode ${op} outside functions is not known`);
        }
    }
  };

  for (const [op, ...operands] of instructions(words)) {
    const [a = 0, b = 0] = operands;
    if (op === Op.Function) {
      typeOf.set(b, a);
      current = { id: b, parameters: [], blocks: new Map() };
    } else if (current === null) {
      outside(op, operands);
    } else if (op === Op.FunctionParameter) {
      typeOf.set(b, a);
      current.parameters.push({ id: b, type: a });
    } else if (op === Op.FunctionEnd) {
      functions.set(current.id, current);
      current = null;
    } else if (op === Op.Label) {
      block = [];
      current.blocks.set(a, block);
    } else if (WITHOUT_RESULT.includes(op)) {
      block.push({ op, type: 0, result: 0, operands });
    } else {
      typeOf.set(b, a);
      block.push({ op, type: a, result: b, operands: operands.slice(2) });
    }
  }
  return { entry, size, types, constants, variables, functions, typeOf };
}
