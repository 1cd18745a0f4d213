import type { Scalar } from "./spirv.ts";

/** A JavaScript expression of one number, out of those of the operands. */
type Expression = (...operands: string[]) => string;

/** What brings a JavaScript number to a type's values. */
export function rounded(scalar: Scalar, expression: string): string {
  switch (scalar) {
    case "f32":
      return `round32(${expression})`;
    case "f16":
      return `round16(${expression})`;
    case "u32":
      return `(${expression}) >>> 0`;
    case "bool":
      return expression;
  }
}

const infix = (operator: string): Expression => (a, b) => `(${a} ${operator} ${b})`;
const call = (name: string): Expression => (...operands) => `${name}(${operands.join(", ")})`;

/** Opcodes that compute each number of their result by itself. */
export const ELEMENTWISE: ReadonlyMap<number, Expression> = new Map<number, Expression>([
  [109, (x) => `Math.min(Math.max(Math.trunc(${x}), 0), 0xffffffff)`], // ConvertFToU
  [112, (x) => x], // ConvertUToF
  [115, (x) => x], // FConvert
  [127, (x) => `-${x}`], // FNegate
  [128, infix("+")], // IAdd
  [129, infix("+")], // FAdd
  [130, infix("-")], // ISub
  [131, infix("-")], // FSub
  [132, call("Math.imul")], // IMul
  [133, infix("*")], // FMul
  [134, infix("/")], // UDiv
  [136, infix("/")], // FDiv
  [137, infix("%")], // UMod
  [166, infix("||")], // LogicalOr
  [167, infix("&&")], // LogicalAnd
  [168, (x) => `!${x}`], // LogicalNot
  [170, infix("===")], // IEqual
  [171, infix("!==")], // INotEqual
  [172, infix(">")], // UGreaterThan
  [174, infix(">=")], // UGreaterThanEqual
  [176, infix("<")], // ULessThan
  [178, infix("<=")], // ULessThanEqual
  [180, infix("===")], // FOrdEqual
  [186, infix(">")], // FOrdGreaterThan
  [188, infix("<=")], // FOrdLessThanEqual
  [190, infix(">=")], // FOrdGreaterThanEqual
  [194, infix(">>>")], // ShiftRightLogical
  [196, infix("<<")], // ShiftLeftLogical
  [198, infix("^")], // BitwiseXor
  [199, infix("&")], // BitwiseAnd
  [200, (x) => `~${x}`], // Not
]);

/** The same of GLSL.std.450, which `OpExtInst` names by a number. */
export const EXTENDED: ReadonlyMap<number, Expression> = new Map<number, Expression>([
  [4, call("Math.abs")], // FAbs
  [6, call("Math.sign")], // FSign
  [14, call("Math.cos")],
  [26, call("Math.pow")],
  [27, call("Math.exp")],
  [28, call("Math.log")],
  [31, call("Math.sqrt")],
  [32, (x) => `1 / Math.sqrt(${x})`], // InverseSqrt
  [37, call("Math.min")], // FMin
  [38, call("Math.min")], // UMin
  [40, call("Math.max")], // FMax
  [41, call("Math.max")], // UMax
  [43, (x, least, most) => `Math.min(Math.max(${x}, ${least}), ${most})`], // FClamp
  [50, (a, b, c) => `${a} * ${b} + ${c}`], // Fma
]);

/** The number of UMin, by which indices are kept within arrays. */
export const UMIN = 38;
