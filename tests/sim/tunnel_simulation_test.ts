import { assert, assertEquals, assertThrows } from "@std/assert";
import { makeScenario, type Scenario } from "./scenario.ts";
import { SEEDS_THAT_FOUND_SOMETHING } from "./seeds.ts";
import { shrink } from "./shrink.ts";
import { simulateTunnel } from "./tunnel_simulation.ts";

/** How long seeds that nobody has tried are tried in this run. */
const FRESH_MS = 45_000;

function runSeed(seed: number): void {
  try {
    simulateTunnel(makeScenario(seed));
  } catch (error) {
    throw new Error(`run again: deno task sim --seed ${seed}`, { cause: error });
  }
}

Deno.test("seeds that once found something find nothing any more", () => {
  SEEDS_THAT_FOUND_SOMETHING.forEach(runSeed);
});

for (let first = 1; first <= 150; first += 50) {
  Deno.test(`seeds ${first} to ${first + 49} hold every invariant`, () => {
    for (let seed = first; seed < first + 50; seed++) runSeed(seed);
  });
}

Deno.test("fresh seeds hold every invariant", () => {
  const endsAt = performance.now() + FRESH_MS;
  let runs = 0;
  for (; performance.now() < endsAt; runs++) {
    runSeed(crypto.getRandomValues(new Uint32Array(1))[0]!);
  }
  assert(runs > 0);
});

Deno.test("the same seed gives the same run", () => {
  assertEquals(simulateTunnel(makeScenario(5)), simulateTunnel(makeScenario(5)));
});

Deno.test("a failure is shrunk to what it needs", () => {
  const needsRebootAndTwoClients = (scenario: Scenario): void => {
    const isReboot = scenario.faults.some(({ type }) => type === "reboot");
    if (isReboot && scenario.clients.length >= 2) throw new Error("seed 1, 5 ms: boom");
  };
  const seed = Array.from({ length: 500 }, (_, i) => i).find((candidate) => {
    const { faults, clients } = makeScenario(candidate);
    return faults.length > 4 && clients.length > 3 &&
      faults.some(({ type }) => type === "reboot");
  })!;
  const failing = makeScenario(seed);
  assertThrows(() => needsRebootAndTwoClients(failing), Error, "boom");
  const { scenario } = shrink(failing, "seed 1, 9 ms: boom", needsRebootAndTwoClients);
  assertEquals(scenario.faults.map(({ type }) => type), ["reboot"]);
  assertEquals(scenario.clients.length, 2);
  assertEquals(scenario.up, { latencyMs: failing.up.latencyMs });
});
