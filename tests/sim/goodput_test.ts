/**
 * The goodput table as a snapshot: a change of the transport that costs or gains throughput is a
 * visible diff. After a change that is meant to do so:
 *
 * ```sh
 * deno test --allow-all tests/sim/goodput_test.ts -- --update
 * ```
 */
import { assertAlmostEquals, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { type Goodput, measureGoodput, PEER_BUFFERS, WINDOW_RTT_MS, WINDOWS } from "./goodput.ts";
import { LOSSES, lossName, ROUND_TRIPS_MS, roundTripName } from "../support/goodput_cells.ts";

const SNAPSHOT = new URL("../../fixtures/goodput/goodput.json", import.meta.url);
const UPDATE = "deno test --allow-all tests/sim/goodput_test.ts -- --update";

const measured = measureGoodput();
if (Deno.args.includes("--update")) {
  Deno.writeTextFileSync(SNAPSHOT, `${JSON.stringify(measured, undefined, 2)}\n`);
}

Deno.test("goodput over links of every kind is what the snapshot says", () => {
  const snapshot: Goodput = JSON.parse(Deno.readTextFileSync(SNAPSHOT));
  assertEquals(measured, snapshot, `KB/s have changed; if that is wanted: ${UPDATE}`);
});

// The rest is the opening, slow start, and bursts that the line spreads.
Deno.test("a loss-free link is used up to the window, whoever sends", () => {
  for (const table of ["us to us", "us to a device", "a device to us"] as const) {
    for (const rttMs of ROUND_TRIPS_MS) {
      const bound = Math.min(65_535 / rttMs, 12_500 * 1292 / 1344);
      const goodput = measured[table][lossName(0)]![roundTripName(rttMs)]!;
      assertGreaterOrEqual(goodput, 0.85 * bound, `${table}, ${roundTripName(rttMs)}`);
    }
  }
});

Deno.test("more loss never means more goodput", () => {
  for (const table of ["us to us", "us to a device", "a device to us"] as const) {
    for (const rttMs of ROUND_TRIPS_MS) {
      const column = LOSSES.map((loss) => measured[table][lossName(loss)]![roundTripName(rttMs)]!);
      assertEquals(column, column.toSorted((a, b) => b - a), `${table}, ${roundTripName(rttMs)}`);
    }
  }
});

Deno.test("throughput follows the smaller of window and peer buffer, each round trip", () => {
  for (const { bytes } of WINDOWS) {
    for (const buffer of PEER_BUFFERS) {
      const goodput = measured["by receive window"][`window ${bytes}`]![`buffer ${buffer}`]!;
      const expected = Math.min(bytes, buffer) / WINDOW_RTT_MS;
      const name = `window ${bytes}, buffer ${buffer}`;
      assertAlmostEquals(goodput, expected, 0.05 * expected, name);
    }
  }
});
