import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
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

Deno.test("a reader that stops closes the window and costs nothing but probes, for an hour", () => {
  const pair = new PtcpPair({ link: { delayMs: 30 } });
  pair.passive.send(200_000);
  pair.active.reading = false;
  pair.open().runFor(3_600_000);
  assertEquals(pair.active.connection.readableBytes, 65_535);
  assertEquals(pair.passive.connection.state, "open");
  assertEquals(pair.passive.connection.peerWindowBytes, 0);
  assertEquals(pair.passive.connection.stats.retransmits, 0);
  const { probesOut } = pair.passive.connection.stats;
  assertGreater(probesOut, 1500);
  assertLess(probesOut, 2000);
  pair.active.reading = true;
  pair.flush();
  assert(pair.runUntil(() => pair.active.receivedBytes === 200_000, 5000));
});

Deno.test("a window update that is lost costs one probe, not the connection", () => {
  const pair = new PtcpPair({ link: { delayMs: 30 } });
  pair.passive.send(100_000);
  pair.active.reading = false;
  pair.open().runFor(2000);
  pair.filter = (from) => from !== pair.active;
  pair.active.reading = true;
  pair.flush();
  pair.filter = () => true;
  assert(pair.runUntil(() => pair.active.receivedBytes === 100_000, 3000));
});

for (const [active, passive] of [[1500, 65_535], [4000, 1500], [65_535, 3000]] as const) {
  Deno.test(`small windows do not deadlock: ${active} and ${passive} bytes, over a rough link`, () => {
    const pair = new PtcpPair({
      active: { receiveBufferBytes: active },
      passive: { receiveBufferBytes: passive },
      link: { ...ROUGH, seed: active + passive },
    });
    transfer(pair, 60_000, 60_000);
  });
}

Deno.test("with a scale both ways more than 64 KiB are in flight", () => {
  const wide = { windowScale: 5, receiveBufferBytes: 1_000_000, sendBufferBytes: 1_000_000 };
  const seconds = (options: typeof wide | Record<string, never>): number => {
    const pair = new PtcpPair({
      active: options,
      passive: { ...options, sendBufferBytes: 1_000_000 },
      link: { delayMs: 40 },
      frameBytes: 1292,
    });
    transfer(pair, 0, 4_000_000);
    return (pair.now - 1000) / 1000;
  };
  // Unscaled: 64 KiB each 80 ms is 0.8 MB a second.
  const unscaled = seconds({});
  assertGreater(unscaled, 4.5);
  assertLess(unscaled, 6);
  assertLess(seconds(wide), unscaled / 5);
});

Deno.test("a bottleneck with a short queue is shared without a timeout in sight", () => {
  const pair = new PtcpPair({
    link: { delayMs: 20, bytesPerMs: 500, queueBytes: 20_000 },
    frameBytes: 1292,
  });
  transfer(pair, 2_000_000, 0);
  const { timeouts } = pair.active.connection.stats;
  assertLess(timeouts, 3);
  // 2 MB and their headers at 500 bytes a ms take 4.2 s.
  assertLess(pair.now - 1000, 6000);
});

Deno.test("a link that goes dead ends the sender as stalled and leaves the receiver to its parent", () => {
  const pair = new PtcpPair();
  pair.active.send(1_000_000);
  pair.open().runFor(500);
  pair.filter = () => false;
  pair.runFor(29_000);
  assertEquals(pair.active.connection.state, "open");
  pair.runFor(3000);
  assertEquals(pair.active.events.at(-1), { type: "closed", reason: "stalled" });
  assertEquals(pair.active.connection.unacknowledgedBytes, 0);
  assertEquals(pair.active.connection.pollDeadline(), undefined);
  assertEquals(pair.passive.connection.state, "open");
});

Deno.test("a link that was dead for 20 s goes on where it was", () => {
  const patient = { maxRtoMs: 4000 };
  const pair = new PtcpPair({ active: patient, passive: patient });
  pair.active.send(1_000_000);
  pair.passive.send(1_000_000);
  pair.open().runFor(300);
  pair.filter = () => false;
  pair.runFor(20_000);
  pair.filter = () => true;
  const done = pair.runUntil(() => pair.active.drained && pair.passive.drained, 60_000);
  assertEquals([done, pair.active.receivedBytes], [true, 1_000_000]);
});

Deno.test("an idle pair is silent", () => {
  const pair = new PtcpPair();
  transfer(pair, 1000, 1000);
  pair.runFor(1000);
  let sent = 0;
  pair.filter = () => ++sent > 0;
  pair.runFor(3_600_000);
  assertEquals(sent, 0);
  assertEquals(pair.active.connection.pollDeadline(), undefined);
  assertEquals(pair.passive.connection.pollDeadline(), undefined);
});

Deno.test("an abort on one side is a reset on the other", () => {
  const pair = new PtcpPair();
  transfer(pair, 1000, 1000);
  pair.passive.connection.abort(pair.now);
  pair.flush();
  pair.runFor(100);
  assertEquals(pair.passive.events.at(-1), { type: "closed", reason: "aborted" });
  assertEquals(pair.active.events.at(-1), { type: "closed", reason: "reset" });
});

Deno.test("only whole frames cross a link that never lacks a window, resends included", () => {
  const pair = new PtcpPair({ link: { ...ROUGH, seed: 3 }, frameBytes: 1000 });
  const lengths = new Set<number>();
  pair.filter = (_from, data) => lengths.add(data.length) !== undefined;
  transfer(pair, 300_000, 0);
  assertGreater(pair.active.connection.stats.retransmits, 5);
  assertEquals([...lengths].sort((a, b) => a - b), [24, 28, 1024]);
});
