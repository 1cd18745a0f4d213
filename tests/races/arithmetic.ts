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
const signed = (operator: string): Expression => (a, b) => `((${a} | 0) ${operator} (${b} | 0))`;
const call = (name: string): Expression => (...operands) => `${name}(${operands.join(", ")})`;

/** Opcodes that compute each number of their result by itself. */
export const ELEMENTWISE: ReadonlyMap<number, Expression> = new Map<number, Expression>([
  [109, (x) => `Math.min(Math.max(Math.trunc(${x}), 0), 0xffffffff)`], // ConvertFToU
  [110, (x) => `Math.min(Math.max(Math.trunc(${x}), -0x80000000), 0x7fffffff)`], // ConvertFToS
  [111, (x) => `(${x} | 0)`], // ConvertSToF
  [112, (x) => x], // ConvertUToF
  [115, (x) => x], // FConvert
  [126, (x) => `-${x}`], // SNegate
  [127, (x) => `-${x}`], // FNegate
  [128, infix("+")], // IAdd
  [129, infix("+")], // FAdd
  [130, infix("-")], // ISub
  [131, infix("-")], // FSub
  [132, call("Math.imul")], // IMul
  [133, infix("*")], // FMul
  [134, infix("/")], // UDiv
  [135, signed("/")], // SDiv
  [136, infix("/")], // FDiv
  [137, infix("%")], // UMod
  [138, signed("%")], // SRem
  [140, infix("%")], // FRem
  [156, call("Number.isNaN")], // IsNan
  [164, infix("===")], // LogicalEqual
  [165, infix("!==")], // LogicalNotEqual
  [166, infix("||")], // LogicalOr
  [167, infix("&&")], // LogicalAnd
  [168, (x) => `!${x}`], // LogicalNot
  [170, infix("===")], // IEqual
  [171, infix("!==")], // INotEqual
  [172, infix(">")], // UGreaterThan
  [173, signed(">")], // SGreaterThan
  [174, infix(">=")], // UGreaterThanEqual
  [175, signed(">=")], // SGreaterThanEqual
  [176, infix("<")], // ULessThan
  [177, signed("<")], // SLessThan
  [178, infix("<=")], // ULessThanEqual
  [179, signed("<=")], // SLessThanEqual
  [180, infix("===")], // FOrdEqual
  [182, infix("!==")], // FOrdNotEqual
  [184, infix("<")], // FOrdLessThan
  [186, infix(">")], // FOrdGreaterThan
  [188, infix("<=")], // FOrdLessThanEqual
  [190, infix(">=")], // FOrdGreaterThanEqual
  [194, infix(">>>")], // ShiftRightLogical
  [195, (a, b) => `((${a} | 0) >> ${b})`], // ShiftRightArithmetic
  [196, infix("<<")], // ShiftLeftLogical
  [197, infix("|")], // BitwiseOr
  [198, infix("^")], // BitwiseXor
  [199, infix("&")], // BitwiseAnd
  [200, (x) => `~${x}`], // Not
]);

/** The same of GLSL.std.450, which `OpExtInst` names by a number. */
export const EXTENDED: ReadonlyMap<number, Expression> = new Map<number, Expression>([
  [2, (x) => `(Math.round(${x} / 2) * 2 === ${x} + 0.5 ? ${x} + 0.5 : Math.round(${x}))`], // RoundEven
  [3, call("Math.trunc")],
  [4, call("Math.abs")], // FAbs
  [6, call("Math.sign")], // FSign
  [8, call("Math.floor")],
  [9, call("Math.ceil")],
  [13, call("Math.sin")],
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
  [44, (x, least, most) => `Math.min(Math.max(${x}, ${least}), ${most})`], // UClamp
  [50, (a, b, c) => `${a} * ${b} + ${c}`], // Fma
]);

/** The number of UMin, by which indices are kept within arrays. */
export const UMIN = 38;

/** What an atomic operation leaves behind, of what was there and the operand. */
export const ATOMIC: ReadonlyMap<number, Expression> = new Map<number, Expression>([
  [234, infix("+")], // AtomicIAdd
  [239, call("Math.max")], // AtomicUMax
  [241, infix("|")], // AtomicOr
]);
