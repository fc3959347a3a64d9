import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  DEVICE_QUIRKS,
  PtcpConnection,
  type PtcpOptions,
} from "../../../lib/core/ptcp/connection.ts";
import { encodeSegment } from "../../../lib/core/ptcp/segment.ts";
import { PtcpPair } from "../../support/ptcp_pair.ts";

const RECEIVE_BYTES = 20_000;
const SEND_BYTES = 10_000;
const STATES = [
  "idle",
  "listening",
  "connecting",
  "passive-connecting",
  "open",
  "device",
  "closed",
];

const connectSegment = (ack: number): Uint8Array =>
  encodeSegment({
    sequence: 0,
    ack,
    control: 0,
    flags: 2,
    window: 0xffff,
    timestamp: 1,
    echo: 0,
    payload: Uint8Array.of(0, 3, 1, 0),
  });

/** A connection that stands in one of {@linkcode STATES}. */
function standing(state: string): PtcpConnection {
  const passive = state === "listening" || state === "passive-connecting" || state === "device";
  const options: PtcpOptions = {
    role: passive ? "passive" : "active",
    receiveBufferBytes: RECEIVE_BYTES,
    sendBufferBytes: SEND_BYTES,
    atFrameBoundary: () => true,
    ...(state === "device" ? { quirks: DEVICE_QUIRKS } : {}),
  };
  const connection = new PtcpConnection(options);
  if (!passive && state !== "idle") connection.open(0);
  if (state === "passive-connecting" || state === "device") {
    connection.handleSegment(connectSegment(0), 0);
  }
  if (state === "open" || state === "closed") connection.handleSegment(connectSegment(4), 0);
  while (connection.pollTransmit() !== undefined);
  if (state === "device") {
    connection.handleSegment(
      encodeSegment({
        sequence: 4,
        ack: 4,
        control: 0,
        flags: 0,
        window: 0xffff,
        timestamp: 1,
        echo: 0,
        payload: new Uint8Array(0),
      }),
      0,
    );
  }
  if (state === "open" || state === "device") {
    for (let i = 0; i < 5; i++) connection.write(new Uint8Array(1000), 0);
  }
  if (state === "closed") connection.abort(0);
  return connection;
}

const near = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.integer({ min: 0, max: RECEIVE_BYTES + 4000 }),
  fc.integer({ min: 0, max: 0xffffffff }),
).map((value) => value >>> 0);
const hostileSegment = fc.record({
  sequence: near,
  ack: near,
  control: fc.constantFrom(0, 0, 0, 0, 1, 255),
  flags: fc.constantFrom(0, 0, 0, 0, 0, 0, 2, 1, 255, 4),
  window: fc.constantFrom(0, 1, 600, 0xffff),
  timestamp: near,
  echo: fc.oneof(near, fc.integer({ min: 60_000, max: 70_000 })),
  payload: fc.oneof(
    fc.constant(new Uint8Array(0)),
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(
      new Uint8Array(1292),
      new Uint8Array(60_000),
      Uint8Array.of(0x0a, 0, 8, 83, 0, 0, 0, 0, 0, 58, 0),
      Uint8Array.of(0, 3, 1, 14),
    ),
  ),
}).map(encodeSegment);
const step = fc.record({
  bytes: fc.oneof(hostileSegment, hostileSegment, fc.uint8Array({ maxLength: 60 })),
  waitMs: fc.constantFrom(0, 0, 1, 10, 300, 20_000),
  action: fc.constantFrom("none", "none", "read", "write", "drain"),
});

for (const state of STATES) {
  Deno.test(`any datagrams at any time never throw nor fill memory: ${state}`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const connection = standing(state);
        let now = 0;
        for (const { bytes, waitMs, action } of steps) {
          now += waitMs;
          connection.handleTimeout(now);
          connection.handleSegment(bytes, now);
          if (action === "read") connection.read();
          if (action === "write" && connection.state === "open") {
            connection.write(new Uint8Array(700), now);
          }
          assert(connection.readableBytes <= RECEIVE_BYTES);
          assert(connection.unacknowledgedBytes <= SEND_BYTES);
          if (action === "none") continue;
          let sent = 0;
          for (let out; (out = connection.pollTransmit()) !== undefined; sent++) {
            assert(out.length <= 1316, "no datagram is longer than the recorded ones");
          }
          assert(sent < 40, `${sent} datagrams answer one`);
          while (connection.pollEvent() !== undefined);
          const deadline = connection.pollDeadline();
          assert(deadline === undefined || deadline.at > now, "nothing is due after the drain");
        }
      }),
      { numRuns: 100 },
    );
  });
}

Deno.test("hostile datagrams between the real ones do not change what is delivered", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 40 }), (garbage) => {
      const pair = new PtcpPair({ link: { delayMs: 5 } });
      pair.active.send(30_000);
      pair.passive.send(30_000);
      pair.open();
      for (const bytes of garbage) {
        pair.active.connection.handleSegment(bytes, pair.now);
        pair.passive.connection.handleSegment(bytes, pair.now);
        pair.flush();
        pair.runFor(1);
      }
      assert(pair.runUntil(() => pair.active.drained && pair.passive.drained, 60_000));
      assertEquals(pair.active.receivedBytes, 30_000);
    }),
    { numRuns: 20 },
  );
});
