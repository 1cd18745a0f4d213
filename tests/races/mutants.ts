import type { Work } from "./slice.ts";

/** A kernel broken on purpose. */
export interface Mutant {
  /** Its name in a capture. */
  readonly name: string;
  /** The kernel. */
  readonly kernel: string;
  /** The work of the slice that runs it. */
  readonly work: Work;
  /** What is noticed. */
  readonly fault: RegExp;
  /** Breaks its text. */
  readonly edit: (source: string) => string;
}

const BARRIER = "workgroupBarrier();";

/** Kernels whose barriers are removed, one at a time: none of them can be missing. */
const BARRIERS: readonly { kernel: string; work: Work; count: number }[] = [
  { kernel: "sum", work: "sumInTrees", count: 3 },
  { kernel: "subgroup_sum", work: "sum", count: 1 },
  { kernel: "batch_norm", work: "batchNorm", count: 2 },
  { kernel: "attention_loss", work: "attentionLoss", count: 3 },
  { kernel: "conv2d/gemm", work: "forwardWithMoments", count: 5 },
  { kernel: "conv2d/gemm_weight_gradient", work: "weightGradient", count: 2 },
  { kernel: "trial_check", work: "trialCheck", count: 2 },
];

function withoutBarrier(source: string, number: number): string {
  const parts = source.split(BARRIER);
  return parts.slice(0, number).join(BARRIER) + parts.slice(number).join(BARRIER);
}

/** Lets a lane return before anything else, in the entry points that know their lane. */
function leaveEarly(source: string): string {
  return source.replace(/@compute[^{]*\blane: u32[^{]*\{\n/g, "$&  if (lane == 5) { return; }\n");
}

function replacing(what: string, by: string): (source: string) => string {
  return (source) => source.replace(what, by);
}

/** The kernels that the slice runs, each broken in one way. */
export const MUTANTS: readonly Mutant[] = [
  ...BARRIERS.flatMap(({ kernel, work, count }) =>
    Array.from({ length: count }, (_, at): Mutant => ({
      name: `${kernel} without barrier ${at + 1}`,
      kernel,
      work,
      fault: /no barrier between/,
      edit: (source) => withoutBarrier(source, at + 1),
    }))
  ),
  ...BARRIERS.map(({ kernel, work }): Mutant => ({
    name: `${kernel} with a lane that leaves early`,
    kernel,
    work,
    fault: kernel === "subgroup_sum"
      ? /reaches a subgroup operation after another has returned/
      : /reaches a barrier after another has returned/,
    edit: leaveEarly,
  })),
  {
    name: "subgroup_sum that stores past the end",
    kernel: "subgroup_sum",
    work: "sum",
    fault: /binding 1: writes past the end/,
    edit: replacing("y[group.x] = all", "y[group.x + 1] = all"),
  },
  {
    name: "subgroup_sum that reads past the end",
    kernel: "subgroup_sum",
    work: "sum",
    fault: /binding 0: reads past the end/,
    edit: replacing("row < rows; row += lanes", "row <= rows; row += lanes"),
  },
  {
    name: "subgroup_sum whose workgroups store in one place",
    kernel: "subgroup_sum",
    work: "sum",
    fault: /writes what another invocation writes/,
    edit: replacing("y[group.x] = all", "y[0] = all"),
  },
  {
    name: "subgroup_sum that adds two subgroups",
    kernel: "subgroup_sum",
    work: "sum",
    fault: /other bits/,
    edit: replacing("at < subgroups; at++", "at < min(subgroups, 2u); at++"),
  },
  {
    name: "subgroup_sum with an index past the end of workgroup memory",
    kernel: "subgroup_sum",
    work: "sum",
    fault: /index past the end of 64/,
    edit: replacing("{ totals[subgroup] = total; }", "{ totals[subgroup + lanes] = total; }"),
  },
  {
    name: "conv2d/gemm that stores a pixel too many",
    kernel: "conv2d/gemm",
    work: "forward",
    fault: /writes past the end/,
    edit: replacing(
      "if (pixel >= batch * out_height * out_width",
      "if (pixel > batch * out_height * out_width",
    ),
  },
  {
    name: "subgroup_sum with a barrier in each branch",
    kernel: "subgroup_sum",
    work: "sum",
    fault: /reaches a barrier while another waits elsewhere/,
    edit: (source) =>
      source.replace(
        /if \(first\) \{ (.*) \}\n {2}workgroupBarrier\(\);/,
        "if (first) { $1 workgroupBarrier(); } else { workgroupBarrier(); }",
      ),
  },
  {
    name: "conv2d/rows that asks lanes beyond a subgroup",
    kernel: "conv2d/rows",
    work: "forward",
    fault: /shuffle from a lane that is not there/,
    edit: (source) => source.replace(/subgroupShuffle\(([^,]+), /g, "subgroupShuffle($1, 64 + "),
  },
  {
    name: "conv2d/rows that takes every subgroup for one of eight lanes",
    kernel: "conv2d/rows",
    work: "forward",
    fault: /past the end|other bits/,
    edit: (source) => source.replaceAll("in_subgroup & 7", "in_subgroup"),
  },
];
