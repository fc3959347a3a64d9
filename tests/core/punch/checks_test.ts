import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { formatEndpoint, fromHex, parseEndpoint, toHex } from "../../../lib/core/bytes.ts";
import {
  ConnectivityChecks,
  type ConnectivityChecksOptions,
  type PunchEvent,
} from "../../../lib/core/punch/checks.ts";
import {
  decodeStun,
  encodeStun,
  MAGIC_COOKIE,
  type StunMessage,
} from "../../../lib/core/punch/stun.ts";
import { seededRandom } from "../../../lib/core/random.ts";
import type { Endpoint, TraceEvent } from "../../../lib/core/types.ts";

const OURS = fromHex("10aabb0c40500671");
const DEVICES = fromHex("a0b1c2d3e4f5a617");
const STRANGERS = fromHex("0123456789abcdef");
const LAN = parseEndpoint("192.168.1.108:23730");
const PUBLIC = parseEndpoint("198.51.100.20:23730");
const ELSEWHERE = parseEndpoint("198.51.100.20:40000");
const MAPPED = parseEndpoint("203.0.113.10:59474");
const START = 1000;

interface Sent {
  readonly to: string;
  readonly bytes: number;
  readonly message: StunMessage;
}

/** Checks in virtual time with everything they say. */
class Rig {
  readonly traces: TraceEvent[] = [];
  readonly checks: ConnectivityChecks;

  constructor(options: Partial<ConnectivityChecksOptions> = {}) {
    this.checks = new ConnectivityChecks({
      identify: OURS,
      random: seededRandom(7),
      trace: (event) => this.traces.push(event),
      ...options,
    });
  }

  sent(): Sent[] {
    const all: Sent[] = [];
    for (let t = this.checks.pollTransmit(); t; t = this.checks.pollTransmit()) {
      assertEquals(t.socket, "device");
      all.push({ to: formatEndpoint(t.to), bytes: t.data.length, message: decodeStun(t.data) });
    }
    return all;
  }

  /** What was sent, in short. */
  said(): string[] {
    return this.sent().map((sent) => `${sent.message.type} ${sent.to}`);
  }

  events(): PunchEvent[] {
    const all: PunchEvent[] = [];
    for (let e = this.checks.pollEvent(); e; e = this.checks.pollEvent()) all.push(e);
    return all;
  }

  give(from: Endpoint, data: Uint8Array, now: number): void {
    this.checks.handleDatagram({ socket: "device", from, data }, now);
  }

  answer(request: StunMessage, from: Endpoint, now: number, identify = DEVICES): void {
    const { transactionId } = request;
    this.give(
      from,
      encodeStun({
        type: "success",
        cookie: MAGIC_COOKIE,
        transactionId,
        role: "controlled",
        identify,
        address: MAPPED,
      }),
      now,
    );
  }

  request(from: Endpoint, now: number, identify = DEVICES): Uint8Array {
    const data = encodeStun({
      type: "request",
      cookie: MAGIC_COOKIE,
      transactionId: fromHex("000102030405060708090a0b"),
      role: "controlling",
      identify,
      address: MAPPED,
    });
    this.give(from, data, now);
    return data;
  }

  expectSilence(until: number): void {
    this.checks.handleTimeout(until);
    assertEquals(this.said(), []);
    assertEquals(this.events(), []);
  }

  /** As above, for a time in which closing messages may have been sent. */
  expectSilenceOfEvents(until: number): void {
    this.checks.handleTimeout(until);
    this.said();
    assertEquals(this.events(), []);
  }

  reasons(): string[] {
    return this.traces.map((event) => `${event.name} ${event.data["reason"] ?? ""}`.trim());
  }
}

/** Checks that have found the LAN address, everything drained. */
function nominated(options: Partial<ConnectivityChecksOptions> = {}): Rig {
  const rig = new Rig(options);
  rig.checks.start([LAN, PUBLIC], START, DEVICES);
  rig.answer(rig.sent()[0]!.message, LAN, START + 10);
  assertEquals(rig.events().length, 1);
  rig.sent();
  return rig;
}

Deno.test("a request goes to every candidate at once and again every 500 ms, not earlier", () => {
  const rig = new Rig();
  assertEquals(rig.checks.pollDeadline(), undefined);
  rig.checks.start([LAN, PUBLIC, LAN], START);
  const first = rig.sent();
  assertEquals(first.map((sent) => sent.to), [formatEndpoint(LAN), formatEndpoint(PUBLIC)]);
  for (const { message, bytes } of first) {
    assertEquals(bytes, 44);
    assertEquals(message.type, "request");
    assertEquals(message.role, "controlling");
    assertEquals(message.identify, OURS);
  }
  assertEquals(first.map((sent) => sent.message.address), [LAN, PUBLIC]);
  assertEquals(rig.checks.pollDeadline(), { at: START + 500, reason: "check" });
  rig.expectSilence(START + 499);
  rig.checks.handleTimeout(START + 500);
  const second = rig.sent();
  assertEquals(second.length, 2);
  assertNotEquals(toHex(second[0]!.message.transactionId), toHex(first[0]!.message.transactionId));
  assertEquals(rig.checks.tries, 2);
  rig.checks.handleTimeout(START + 500);
  assertEquals(rig.said(), []);
});

Deno.test("the device's answer nominates its address and is closed with 44 and 32 bytes", () => {
  const rig = new Rig();
  rig.checks.start([LAN, PUBLIC], START);
  const [, toPublic] = rig.sent();
  rig.answer(toPublic!.message, PUBLIC, START + 42);
  assertEquals(rig.events(), [{ type: "succeeded", endpoint: PUBLIC, roundTripMs: 42 }]);
  assertEquals(rig.checks.nominated, PUBLIC);
  const closing = rig.sent();
  assertEquals(closing.map((sent) => [sent.to, sent.bytes, sent.message.type]), [
    [formatEndpoint(PUBLIC), 44, "success"],
    [formatEndpoint(PUBLIC), 32, "confirmation"],
  ]);
  for (const { message } of closing) {
    assertEquals(message.transactionId, toPublic!.message.transactionId);
    assertEquals(message.cookie, toPublic!.message.cookie);
    assertEquals(message.role, "controlled");
    assertEquals(message.identify, OURS);
  }
  assertEquals(rig.checks.pollDeadline(), undefined);
});

Deno.test("the first success wins; later answers change nothing and are not answered", () => {
  const rig = new Rig();
  rig.checks.start([LAN, PUBLIC], START);
  const [toLan, toPublic] = rig.sent();
  rig.answer(toPublic!.message, PUBLIC, START + 5);
  rig.events();
  rig.sent();
  rig.answer(toLan!.message, LAN, START + 6);
  rig.answer(toPublic!.message, PUBLIC, START + 7);
  assertEquals(rig.events(), []);
  assertEquals(rig.said(), []);
  assertEquals(rig.checks.nominated, PUBLIC);
  rig.expectSilence(START + 60_000);
});

Deno.test("each answer is measured against its own request", () => {
  const rig = new Rig();
  rig.checks.start([LAN], START);
  const [first] = rig.sent();
  rig.checks.handleTimeout(START + 500);
  rig.sent();
  rig.answer(first!.message, LAN, START + 620);
  assertEquals(rig.events(), [{ type: "succeeded", endpoint: LAN, roundTripMs: 620 }]);
});

Deno.test("a confirmation without address answers a request too", () => {
  const rig = new Rig();
  rig.checks.start([LAN], START);
  const { transactionId } = rig.sent()[0]!.message;
  rig.give(
    LAN,
    encodeStun({
      type: "confirmation",
      cookie: MAGIC_COOKIE,
      transactionId,
      role: "controlled",
      identify: DEVICES,
    }),
    START + 9,
  );
  assertEquals(rig.events(), [{ type: "succeeded", endpoint: LAN, roundTripMs: 9 }]);
});

Deno.test("an answer from elsewhere, with a foreign transaction or an error proves nothing", () => {
  const rig = new Rig();
  rig.checks.start([LAN, PUBLIC], START);
  const [toLan, toPublic] = rig.sent();
  rig.answer(toLan!.message, PUBLIC, START + 5);
  rig.answer({ ...toLan!.message, transactionId: new Uint8Array(12) }, LAN, START + 5);
  rig.give(PUBLIC, encodeStun({ ...toPublic!.message, type: "error" }), START + 5);
  assertEquals(rig.events(), []);
  assertEquals(rig.said(), []);
  assertEquals(rig.checks.nominated, undefined);
  assertEquals(rig.reasons(), [
    "answer-ignored answer-from-elsewhere",
    "answer-ignored unknown-transaction",
    "answer-ignored error",
  ]);
});

Deno.test("the device's own request from a candidate is answered and nominates it", () => {
  const rig = new Rig();
  rig.checks.start([LAN, PUBLIC], START);
  rig.sent();
  rig.request(PUBLIC, START + 30);
  assertEquals(rig.events(), [{ type: "succeeded", endpoint: PUBLIC, roundTripMs: undefined }]);
  const [success, confirmation] = rig.sent();
  assertEquals(success!.bytes, 44);
  assertEquals(success!.message, {
    type: "success",
    cookie: MAGIC_COOKIE,
    transactionId: fromHex("000102030405060708090a0b"),
    role: "controlled",
    identify: OURS,
    address: PUBLIC,
  });
  assertEquals(confirmation!.bytes, 32);
  assertEquals(confirmation!.to, formatEndpoint(PUBLIC));
});

Deno.test("a request from an unknown address counts only with the device's Identify", () => {
  const unknown = new Rig();
  unknown.checks.start([LAN], START);
  unknown.sent();
  unknown.request(ELSEWHERE, START + 1);
  assertEquals(unknown.said(), [`success ${formatEndpoint(ELSEWHERE)}`]);
  assertEquals(unknown.events(), []);

  const known = new Rig();
  known.checks.start([LAN], START, DEVICES);
  known.sent();
  known.request(ELSEWHERE, START + 1, STRANGERS);
  assertEquals(known.events(), []);
  assertEquals(known.said(), [`success ${formatEndpoint(ELSEWHERE)}`]);
  known.request(ELSEWHERE, START + 2);
  assertEquals(known.events(), [{
    type: "succeeded",
    endpoint: ELSEWHERE,
    roundTripMs: undefined,
  }]);
});

Deno.test("a request before the start is answered at once and counts at the start", () => {
  const rig = new Rig();
  rig.request(PUBLIC, START - 100);
  assertEquals(rig.said(), [`success ${formatEndpoint(PUBLIC)}`]);
  assertEquals(rig.events(), []);
  rig.checks.start([LAN, PUBLIC], START);
  assertEquals(rig.events(), [{ type: "succeeded", endpoint: PUBLIC, roundTripMs: undefined }]);
  assertEquals(rig.said(), [
    `request ${formatEndpoint(LAN)}`,
    `request ${formatEndpoint(PUBLIC)}`,
    `confirmation ${formatEndpoint(PUBLIC)}`,
  ]);
  rig.expectSilence(START + 5000);
});

Deno.test("an early request from nobody we know does not count at the start", () => {
  const rig = new Rig();
  rig.request(ELSEWHERE, START - 100, STRANGERS);
  rig.checks.start([LAN], START, DEVICES);
  assertEquals(rig.events(), []);
  assertEquals(rig.checks.nominated, undefined);
});

Deno.test("requests of the device are answered after the nomination and after a stop", () => {
  const rig = nominated();
  rig.request(LAN, START + 9000);
  assertEquals(rig.said(), [`success ${formatEndpoint(LAN)}`]);
  rig.checks.stop();
  rig.request(PUBLIC, START + 9000);
  assertEquals(rig.said(), [`success ${formatEndpoint(PUBLIC)}`]);
  assertEquals(rig.events(), []);
});

Deno.test("our own request reflected is neither answered nor counted", () => {
  const rig = new Rig();
  rig.checks.start([LAN], START);
  rig.give(LAN, encodeStun(rig.sent()[0]!.message), START + 1);
  assertEquals(rig.said(), []);
  assertEquals(rig.events(), []);
  assertEquals(rig.reasons(), ["datagram-dropped own-request"]);
});

Deno.test("another Identify than the one the cloud told is traced and no more", () => {
  const rig = new Rig();
  rig.checks.start([LAN], START, DEVICES);
  rig.answer(rig.sent()[0]!.message, LAN, START + 3, STRANGERS);
  assertEquals(rig.events().length, 1);
  assert(rig.reasons().includes("identify-mismatch"));
  const agreeing = new Rig();
  agreeing.checks.start([LAN], START, DEVICES);
  agreeing.answer(agreeing.sent()[0]!.message, LAN, START + 3);
  assert(!agreeing.reasons().includes("identify-mismatch"));
});

Deno.test("after 30 s without an answer the requests end, but a late answer still counts", () => {
  const rig = new Rig();
  rig.checks.start([LAN], START);
  let last: Sent | undefined;
  for (;;) {
    last = rig.sent().at(-1) ?? last;
    const deadline = rig.checks.pollDeadline();
    if (!deadline) break;
    rig.checks.handleTimeout(deadline.at);
  }
  assertEquals(rig.checks.tries, 60);
  assertEquals(rig.reasons(), ["gave-up"]);
  rig.expectSilence(START + 100_000);
  rig.answer(last!.message, LAN, START + 30_100);
  assertEquals(rig.events().length, 1);
});

Deno.test("an answer after more than 10 s proves nothing", () => {
  const rig = new Rig();
  rig.checks.start([LAN], START);
  const [first] = rig.sent();
  for (let now = START + 500; now <= START + 10_000; now += 500) rig.checks.handleTimeout(now);
  rig.sent();
  rig.answer(first!.message, LAN, START + 10_001);
  assertEquals(rig.events(), []);
  assertEquals(rig.reasons(), ["answer-ignored unknown-transaction"]);
});

Deno.test("at most sixteen candidates are checked", () => {
  const rig = new Rig();
  rig.checks.start(
    Array.from({ length: 50 }, (_, i) => ({ ip: "192.0.2.1", port: 1000 + i })),
    START,
  );
  assertEquals(rig.sent().length, 16);
  assertEquals(rig.reasons(), ["candidates-ignored"]);
});

Deno.test("a re-punch asks the nominated endpoint and every candidate once", () => {
  const rig = nominated();
  rig.checks.repunch(START + 20_000);
  assertEquals(rig.said(), [`request ${formatEndpoint(LAN)}`, `request ${formatEndpoint(PUBLIC)}`]);
  rig.expectSilence(START + 29_000);
  assertEquals(rig.checks.nominated, LAN);
});

Deno.test("the nominated endpoint answering a re-punch keeps it, whoever answered before", () => {
  const rig = nominated();
  rig.checks.repunch(START + 20_000);
  const [toLan, toPublic] = rig.sent();
  rig.answer(toPublic!.message, PUBLIC, START + 20_005);
  assertEquals(rig.checks.pollDeadline(), { at: START + 20_505, reason: "move" });
  rig.expectSilenceOfEvents(START + 20_504);
  rig.answer(toLan!.message, LAN, START + 20_504);
  assertEquals(rig.checks.pollDeadline(), undefined);
  rig.checks.handleTimeout(START + 30_000);
  assertEquals(rig.events(), []);
  assertEquals(rig.checks.nominated, LAN);
});

Deno.test("only another endpoint answering a re-punch moves the path after 500 ms", () => {
  const rig = nominated();
  rig.checks.repunch(START + 20_000);
  const [, toPublic] = rig.sent();
  rig.answer(toPublic!.message, PUBLIC, START + 20_005);
  rig.expectSilenceOfEvents(START + 20_504);
  assertEquals(rig.checks.nominated, LAN);
  rig.checks.handleTimeout(START + 20_505);
  assertEquals(rig.events(), [{ type: "moved", endpoint: PUBLIC }]);
  assertEquals(rig.checks.nominated, PUBLIC);
  assertEquals(rig.said(), [`confirmation ${formatEndpoint(PUBLIC)}`]);
});

Deno.test("a device whose NAT gave it a new address is followed there by its own request", () => {
  const rig = nominated();
  rig.checks.repunch(START + 20_000);
  rig.sent();
  rig.request(ELSEWHERE, START + 20_040);
  rig.checks.handleTimeout(START + 20_540);
  assertEquals(rig.events(), [{ type: "moved", endpoint: ELSEWHERE }]);
});

Deno.test("without a re-punch nothing moves the path", () => {
  const rig = nominated();
  rig.request(PUBLIC, START + 5000);
  rig.request(ELSEWHERE, START + 5000);
  rig.checks.handleTimeout(START + 50_000);
  assertEquals(rig.events(), []);
  assertEquals(rig.checks.nominated, LAN);
});

Deno.test("a re-punch before a nomination or after a stop sends nothing", () => {
  const rig = new Rig();
  rig.checks.repunch(START);
  assertEquals(rig.said(), []);
  rig.checks.start([LAN], START);
  rig.sent();
  rig.checks.stop();
  rig.checks.repunch(START + 1);
  rig.expectSilence(START + 60_000);
  assertEquals(rig.checks.pollDeadline(), undefined);
});

Deno.test("STUN that is not inverted is dropped and named", () => {
  const rig = new Rig();
  rig.checks.start([LAN], START);
  const request = encodeStun(rig.sent()[0]!.message);
  rig.give(LAN, request.map((byte) => ~byte), START + 1);
  rig.give(LAN, request.subarray(0, 30), START + 1);
  assertEquals(rig.said(), []);
  assertEquals(rig.reasons(), [
    "datagram-dropped plain",
    "datagram-dropped STUN length beyond the datagram",
  ]);
});

Deno.test("an Identify of another size is the caller's mistake", () => {
  assertThrows(
    () => new ConnectivityChecks({ identify: new Uint8Array(7), random: seededRandom(1) }),
    RangeError,
  );
});

Deno.test("any datagrams from anywhere neither throw nor make more than two answers each", () => {
  const messages = fc.record({
    type: fc.constantFrom<StunMessage["type"]>("request", "success", "error"),
    cookie: fc.nat(0xffffffff),
    transactionId: fc.uint8Array({ minLength: 12, maxLength: 12 }),
    address: fc.constant(MAPPED),
  }).map(encodeStun);
  const datagrams = fc.oneof(messages, fc.uint8Array({ maxLength: 60 }));
  const from = fc.constantFrom(LAN, PUBLIC, ELSEWHERE);
  fc.assert(
    fc.property(fc.array(fc.tuple(from, datagrams), { maxLength: 60 }), (given) => {
      const rig = new Rig();
      for (const [endpoint, data] of given.slice(0, 30)) rig.give(endpoint, data, START);
      rig.checks.start([LAN, PUBLIC], START);
      rig.sent();
      for (const [endpoint, data] of given.slice(30)) {
        rig.give(endpoint, data, START + 1);
        assert(rig.sent().length <= 2);
      }
      assert(rig.events().length <= 1);
    }),
  );
});

Deno.test("output that nobody takes away is bounded", () => {
  const rig = new Rig();
  for (let i = 0; i < 10_000; i++) rig.request(LAN, START);
  assert(rig.sent().length <= 128);
});
