import assert from "node:assert/strict";
import { Clock, History } from "./memory.ts";

type Access = "read" | "write" | "atomic";

/** What one lane does to a cell, with the workgroups and barriers between. */
type Event = readonly [lane: number, access: Access] | "barrier" | "workgroup";

/** The faults of some events in memory that all workgroups share. */
function faultsOf(events: readonly Event[]): string[] {
  const clock = new Clock(4, true);
  const faults: string[] = [];
  const history = new History(1, clock, (what) => faults.push(what));
  let workgroup = 0;
  clock.beginGroup(workgroup);
  for (const event of events) {
    if (event === "barrier") clock.passBarrier();
    else if (event === "workgroup") clock.beginGroup(++workgroup);
    else {
      clock.enter(event[0]);
      history[event[1]](0);
    }
  }
  return faults;
}

/** Pairs of accesses by two invocations without a barrier between, and what the later one does. */
const RACES: readonly (readonly [Access, Access, string])[] = [
  ["write", "read", "reads what another invocation writes"],
  ["read", "write", "writes what another invocation reads"],
  ["write", "write", "writes what another invocation writes"],
  ["atomic", "read", "reads what another invocation writes atomically"],
  ["atomic", "write", "writes what another invocation writes atomically"],
  ["write", "atomic", "writes atomically what another invocation writes"],
  ["read", "atomic", "writes atomically what another invocation reads"],
];

for (const [first, second, what] of RACES) {
  Deno.test(`memory: ${first}, then ${second}`, () => {
    const fault = [`${what}, no barrier between`];
    assert.deepEqual(faultsOf([[0, first], [1, second]]), fault);
    assert.deepEqual(faultsOf([[0, first], "barrier", "workgroup", [0, second]]), fault);
    assert.deepEqual(faultsOf([[0, first], "barrier", [1, second]]), []);
    assert.deepEqual(faultsOf([[0, first], [0, second]]), []);
  });
}

Deno.test("memory: reads, and atomic changes, do not race with each other", () => {
  for (const access of ["read", "atomic"] as const) {
    assert.deepEqual(faultsOf([[0, access], [1, access], "workgroup", [2, access]]), []);
  }
});

Deno.test("memory: of two readers, whichever writes races with the other", () => {
  const fault = ["writes what another invocation reads, no barrier between"];
  for (const lane of [0, 1]) {
    assert.deepEqual(faultsOf([[0, "read"], [1, "read"], [lane, "write"]]), fault);
    assert.deepEqual(
      faultsOf([[0, "read"], "workgroup", [lane, "read"], "barrier", [lane, "write"]]),
      fault,
    );
  }
});
