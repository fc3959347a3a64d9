import { assert, assertEquals } from "@std/assert";
import { FailureError } from "../../lib/core/failure.ts";
import { type CheckResult, unchecked } from "../../lib/health/check_result.ts";
import {
  checkFleet,
  defaultConcurrency,
  type FleetDevice,
  type FleetOptions,
  RELAY_SLOTS,
} from "../../lib/health/fleet.ts";

const BUSY = { reason: "busy", what: "Busy.", advice: "Wait." } as const;

function devices(count: number): readonly FleetDevice[] {
  return Array.from({ length: count }, (_, i) => ({ serial: `S${i}`, id: `${i}`, name: `d${i}` }));
}

function up(device: FleetDevice): CheckResult {
  return { ...unchecked(device, "rtsp", BUSY, 0), state: "up", reason: "ok" };
}

/** A run whose checks end when they are told to. */
function run(change: Partial<FleetOptions<FleetDevice>>): {
  readonly options: FleetOptions<FleetDevice>;
  readonly results: CheckResult[];
  readonly locked: Set<string>;
} {
  const results: CheckResult[] = [];
  const locked = new Set<string>();
  const options: FleetOptions<FleetDevice> = {
    level: "rtsp",
    deviceTimeoutMs: 30_000,
    lock: ({ id }) => {
      locked.add(id);
      return { [Symbol.dispose]: (): void => void locked.delete(id) };
    },
    check: (device) => Promise.resolve(up(device)),
    onResult: (result) => results.push(result),
    ...change,
  };
  return { options, results, locked };
}

Deno.test("every device is checked once, so many at a time, and its lock given back", async () => {
  let running = 0;
  let most = 0;
  const { options, results, locked } = run({
    concurrency: 3,
    check: async (device) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return up(device);
    },
  });
  await checkFleet(devices(20), options);
  assertEquals(
    results.map(({ device }) => device).sort(),
    devices(20).map(({ name }) => name).sort(),
  );
  assertEquals(most, 3);
  assertEquals(locked.size, 0);
  assertEquals([defaultConcurrency("cloud"), defaultConcurrency("rtsp")], [32, 8]);
});

Deno.test("at most four handshakes, and so relay allocations, run at a time", async () => {
  let running = 0;
  let most = 0;
  const { options } = run({
    concurrency: 16,
    check: async (device, { gate, signal }) => {
      using _slot = await gate.enter("sound", signal);
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return up(device);
    },
  });
  await checkFleet(devices(40), options);
  assertEquals(most, RELAY_SLOTS);
  assertEquals(RELAY_SLOTS, 4);
});

Deno.test("a device that somebody else checks is not checked", async () => {
  const { options, results } = run({
    lock: ({ id }) => id === "1" ? BUSY : { [Symbol.dispose]: (): void => {} },
  });
  await checkFleet(devices(3), options);
  const told = results.map(({ device, reason }) => `${device} ${reason}`).sort();
  assertEquals(told, ["d0 ok", "d1 busy", "d2 ok"]);
});

Deno.test("who was not judged when a run ends is unknown, for the reason that ended it", async () => {
  const stop = new AbortController();
  const why = { reason: "handshake-timeout", what: "Stopped.", advice: "" } as const;
  const { options, results } = run({
    concurrency: 1,
    signal: stop.signal,
    onResult: (result) => {
      results.push(result);
      stop.abort(new FailureError(why));
    },
  });
  await checkFleet(devices(3), options);
  assertEquals(results.map(({ state }) => state), ["up", "unknown", "unknown"]);
  assert(results[2]!.message.startsWith("Stopped."));
});

Deno.test("the time of the run ends it, and is shared with each device", async () => {
  const given: number[] = [];
  const { options, results } = run({
    concurrency: 1,
    runTimeoutMs: 20,
    check: async (device, { signal, timeoutMs }) => {
      given.push(timeoutMs);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return unchecked(device, "rtsp", signal.reason.failure, 0);
    },
  });
  await checkFleet(devices(3), options);
  assertEquals(given, [19]);
  assertEquals(results.map(({ reason }) => reason), Array(3).fill("handshake-timeout"));
});

Deno.test("a pace is kept from one beginning to the next", async () => {
  const at: number[] = [];
  const { options } = run({
    ratePerSecond: 100,
    check: (device) => {
      at.push(performance.now());
      return Promise.resolve(up(device));
    },
  });
  await checkFleet(devices(6), options);
  assert(at.at(-1)! - at[0]! >= 45, `${at.at(-1)! - at[0]!}`);
});

Deno.test("what a result cannot be told to ends the run", async () => {
  const { options } = run({
    onResult: () => {
      throw new TypeError("no");
    },
  });
  let error: unknown;
  await checkFleet(devices(2), options).catch((thrown) => error = thrown);
  assert(error instanceof TypeError);
});
