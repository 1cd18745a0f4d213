import { Class, type Leaf } from "./spirv.ts";

/** Where a pointer points: a type's numbers behind an offset in numbers, or in bytes of a buffer. */
export interface Pointer {
  readonly type: number;
  readonly place: number;
  /** The JavaScript name of the memory. */
  readonly memory: string;
  /** What is known of the offset, and JavaScript terms to be added. */
  readonly offset: number;
  readonly terms: readonly string[];
  /** Whether each number is a JavaScript variable of its own. */
  readonly isSpread: boolean;
  readonly matrixStride: number;
}

export function offsetOf(
  { offset, terms }: Pick<Pointer, "offset" | "terms">,
  more: number,
): string {
  return [...terms, `${offset + more}`].join(" + ");
}

/** The JavaScript expressions of the numbers at a pointer. */
export function loads(pointer: Pointer, leaves: readonly Leaf[]): string[] {
  const { memory, place } = pointer;
  return leaves.map(({ scalar, offset }, at) => {
    if (pointer.isSpread) return `${memory}_${pointer.offset + at}`;
    switch (place) {
      case Class.Input:
      case Class.Function:
        return `${memory}[${offsetOf(pointer, at)}]`;
      case Class.Workgroup:
        return `${memory}.load(${offsetOf(pointer, at)})`;
      case Class.StorageBuffer:
        return `${memory}.${scalar}(${offsetOf(pointer, offset)})`;
      default:
        throw new TypeError(`Cannot compile SPIR-V: memory of class ${place} is not known`);
    }
  });
}

/** The JavaScript statements that store numbers at a pointer. */
export function stores(
  pointer: Pointer,
  leaves: readonly Leaf[],
  value: readonly string[],
): string[] {
  const { memory, place } = pointer;
  return leaves.map(({ scalar, offset }, at) => {
    const number = value[at];
    if (pointer.isSpread) return `${memory}_${pointer.offset + at} = ${number};`;
    switch (place) {
      case Class.Function:
        return `${memory}[${offsetOf(pointer, at)}] = ${number};`;
      case Class.Workgroup:
        return `${memory}.store(${offsetOf(pointer, at)}, ${number});`;
      case Class.StorageBuffer:
        return `${memory}.${scalar}(${offsetOf(pointer, offset)}, ${number});`;
      default:
        throw new TypeError(`Cannot compile SPIR-V: a store in class ${place} is not known`);
    }
  });
}
