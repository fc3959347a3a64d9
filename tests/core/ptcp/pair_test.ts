import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { DEVICE_QUIRKS } from "../../../lib/core/ptcp/connection.ts";
import { type LinkOptions, PtcpPair } from "../../support/ptcp_pair.ts";

/** Both streams start so that the numbers wrap within the first kilobytes. */
const NEAR_WRAP = 0xffff_f000;

/** Moves bytes both ways and checks that each arrives once, in order, and that all is acknowledged. */
function transfer(pair: PtcpPair, up: number, down: number, maxMs = 3_600_000): void {
  pair.active.send(up);
  pair.passive.send(down);
  const done = pair.open().runUntil(
    () =>
      pair.active.drained && pair.passive.drained && pair.active.receivedBytes === down &&
      pair.passive.receivedBytes === up,
    maxMs,
  );
  assert(
    done,
    `up ${pair.passive.receivedBytes}/${up}, down ${pair.active.receivedBytes}/${down}, ` +
      `${pair.active.connection.state}/${pair.passive.connection.state} at ${pair.now} ms`,
  );
  assertEquals(pair.active.connection.state, "open");
  assertEquals(pair.passive.connection.state, "open");
}

Deno.test("a clean link carries both directions without a single resend", () => {
  const pair = new PtcpPair({
    active: { initialSequence: NEAR_WRAP },
    passive: { initialSequence: NEAR_WRAP + 7 },
  });
  transfer(pair, 300_000, 300_000);
  for (const end of [pair.active, pair.passive]) {
    assertEquals(end.connection.stats.retransmits, 0);
    assertEquals(end.connection.stats.duplicatesIn, 0);
    assertEquals(end.events.filter((event) => event.type === "open").length, 1);
  }
});

const ROUGH: LinkOptions = { loss: 0.02, duplication: 0.02, reordering: 0.05, jitterMs: 5 };

for (let seed = 1; seed <= 12; seed++) {
  Deno.test(`loss, duplication and reordering leave the bytes exact, seed ${seed}`, () => {
    const pair = new PtcpPair({
      active: { initialSequence: NEAR_WRAP },
      passive: { initialSequence: NEAR_WRAP + 99 },
      link: { ...ROUGH, seed },
    });
    transfer(pair, 200_000, 200_000);
  });
}
