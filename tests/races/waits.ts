/** What an invocation waits for. */
export type Wait =
  | { readonly kind: "barrier"; readonly site: number; readonly orders: Orders }
  | {
    readonly kind: "add" | "shuffle" | "shuffleXor";
    /** Which instruction it is. */
    readonly site: number;
    readonly value: readonly number[];
    /** The lane of the subgroup that is asked, or what it differs by. */
    readonly from: number;
  };

/** The memory in which a barrier separates what comes before it from what comes after. */
export interface Orders {
  readonly workgroup: boolean;
  readonly storage: boolean;
}

/** The numbers of a value: of several in an array, of one alone, of none `undefined`. */
export type Numbers = readonly number[] | number | boolean | undefined;

/**
 * A function that waits, as it runs: it yields what it waits for, and goes on with what a subgroup operation gave it, or
 * a call of another such function, and goes on with what that returned. So only the innermost function is resumed.
 */
export type Frame = Generator<Wait | Frame, Numbers, Numbers>;
