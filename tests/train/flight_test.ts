import assert from "node:assert/strict";
import { Flight } from "../../lib/train/flight.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Counts steps in until there is no more room, lets each take some time, and counts them out. */
function fill(flight: Flight, { clock, seconds }: { clock: FakeClock; seconds: number }): number {
  for (let step = 0; !flight.isFull; step++) {
    flight.add({ step, epoch: 1, rate: 0.1, images: 2 });
    clock.advance({ seconds });
  }
  const { count } = flight;
  const landed = flight.land(count);
  assert.equal(landed?.steps, count);
  assert.equal(landed?.images, 2 * count);
  assert.equal(landed?.seconds.toFixed(6), (seconds * count).toFixed(6));
  return count;
}

Deno.test("Flight: as many steps as take half a second, at first one, then twice as many each time", () => {
  using clock = new FakeClock();
  const flight = new Flight();
  const counts = Array.from({ length: 7 }, () => fill(flight, { clock, seconds: 0.03 }));
  assert.deepEqual(counts, [1, 2, 4, 8, 16, 16, 16]);
});

Deno.test("Flight: steps of a second go one by one, and so does all that follows a slow one", () => {
  using clock = new FakeClock();
  const flight = new Flight();
  for (let time = 0; time < 3; time++) fill(flight, { clock, seconds: 0.001 });
  assert.equal(fill(flight, { clock, seconds: 1 }), 8);
  assert.equal(fill(flight, { clock, seconds: 1 }), 1);
});

Deno.test("Flight: time without a step in flight is left out, time with one is not", async () => {
  using clock = new FakeClock();
  const flight = new Flight();
  await flight.unlessFlying(() => clock.advance({ seconds: 100 }));
  flight.add({ step: 0, epoch: 1, rate: 0.1, images: 2 });
  await flight.unlessFlying(() => clock.advance({ seconds: 3 }));
  assert.equal(flight.land(1)?.seconds, 3);
  assert.equal(flight.lap(), 3);
  assert.equal(flight.land(1), null);
  assert.equal(flight.lap(), 0);
});
