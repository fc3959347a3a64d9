import { assertEquals } from "@std/assert";
import { CongestionWindow } from "../../../lib/core/ptcp/congestion.ts";
import { RttEstimator } from "../../../lib/core/ptcp/rtt.ts";
import { UptimeClock } from "../../../lib/core/ptcp/uptime_clock.ts";

Deno.test("SRTT, RTTVAR and RTO follow RFC 6298", () => {
  const rtt = new RttEstimator(250, 60_000);
  assertEquals([rtt.rtoMs, rtt.smoothedMs], [3000, undefined]);
  rtt.sample(400);
  assertEquals([rtt.smoothedMs, rtt.variationMs, rtt.rtoMs], [400, 200, 1200]);
  rtt.sample(600);
  assertEquals([rtt.smoothedMs, rtt.variationMs, rtt.rtoMs], [425, 200, 1225]);
});

Deno.test("the RTO stays in its bounds, doubles and comes back with a sample", () => {
  const rtt = new RttEstimator(250, 60_000);
  rtt.sample(0);
  assertEquals(rtt.rtoMs, 250);
  for (const rto of [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
    rtt.backOff();
    assertEquals(rtt.rtoMs, rto);
  }
  rtt.sample(0);
  assertEquals(rtt.rtoMs, 250);
  assertEquals(new RttEstimator(250, 1000).rtoMs, 1000);
});

Deno.test("slow start doubles each round trip, avoidance adds one segment", () => {
  const window = new CongestionWindow(1000, 20_000);
  assertEquals(window.bytes, 10_000);
  for (let acked = 0; acked < 10_000; acked += 2000) window.onAck(2000, 10_000);
  assertEquals([window.bytes, window.ssthresh], [20_000, 20_000]);
  for (let acked = 0; acked < 20_000; acked += 1000) window.onAck(1000, 20_000);
  assertEquals(Math.round(window.bytes / 100), 210);
});

Deno.test("a window that is not the limit does not grow", () => {
  const window = new CongestionWindow(1000, 20_000);
  for (let i = 0; i < 100; i++) window.onAck(1000, 1000);
  assertEquals(window.bytes, 10_000);
});

Deno.test("recovery halves, inflates, deflates; a needless one is undone", () => {
  const window = new CongestionWindow(1000, 64_000);
  window.enterRecovery(10_000);
  assertEquals([window.ssthresh, window.bytes], [5000, 8000]);
  window.inflate();
  assertEquals(window.bytes, 9000);
  window.onPartialAck(3000);
  assertEquals(window.bytes, 7000);
  window.exitRecovery(2000);
  assertEquals(window.bytes, 3000);
  window.enterRecovery(3000);
  assertEquals(window.ssthresh, 2000);
  window.undo();
  assertEquals([window.ssthresh, window.bytes], [5000, 3000]);
});

Deno.test("a timeout leaves one segment, a repeated one leaves the threshold alone", () => {
  const window = new CongestionWindow(1000, 64_000);
  window.onTimeout(10_000, "first");
  assertEquals([window.ssthresh, window.bytes], [5000, 1000]);
  window.onTimeout(1000, "repeated");
  assertEquals([window.ssthresh, window.bytes], [5000, 1000]);
  window.undo();
  assertEquals([window.ssthresh, window.bytes], [64_000, 10_000]);
});

Deno.test("the uptime clock knows the age of its own readings only", () => {
  const clock = new UptimeClock(60_000, 1);
  clock.start(5000.5);
  assertEquals(clock.read(5000.5), 60_000);
  assertEquals(clock.read(5001.4), 60_000);
  assertEquals(clock.read(5002), 60_001);
  assertEquals(clock.age(60_000, 5010.5), 10);
  assertEquals(clock.age(60_011, 5010.5), undefined);
  assertEquals(clock.age(59_900, 5010.5), undefined);
});
