import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, decodeLatin1, fromHex, toHex, utf8 } from "../../../lib/core/bytes.ts";
import type { Captured, CapturedDatagram } from "../../../lib/core/capture/captured.ts";
import type { SocketDatagram } from "../../../lib/core/capture/capture_writer.ts";
import { Redactor, type RedactorOptions } from "../../../lib/core/capture/redactor.ts";
import { StateError } from "../../../lib/core/errors.ts";
import { encodeFrame } from "../../../lib/core/realm/frame.ts";
import {
  dataFrames,
  LOGIN_SECRETS,
  PtcpScript,
  rtspDialogue,
} from "../../support/capture_session.ts";

const REALM = 0x11223344;

function captured(datagram: SocketDatagram): CapturedDatagram {
  const { local, remote, direction } = datagram;
  return {
    type: "datagram",
    unixTimeMs: datagram.unixTimeMs,
    direction,
    from: direction === "out" ? local : remote,
    to: direction === "out" ? remote : local,
    data: datagram.data,
  };
}

function drain(redactor: Redactor): Uint8Array[] {
  const bytes: Uint8Array[] = [];
  for (let entry = redactor.next(); entry; entry = redactor.next()) {
    bytes.push(entry.type === "datagram" ? entry.data : utf8(entry.text));
  }
  return bytes;
}

function redactAll(datagrams: readonly SocketDatagram[], options?: RedactorOptions): Uint8Array[] {
  const redactor = new Redactor(options);
  const bytes: Uint8Array[] = [];
  for (const datagram of datagrams) {
    redactor.push(captured(datagram));
    bytes.push(...drain(redactor));
  }
  redactor.finish();
  bytes.push(...drain(redactor));
  return bytes;
}

function opened(options?: { initialSequence?: number }): {
  script: PtcpScript;
  opening: SocketDatagram[];
} {
  const script = new PtcpScript(options);
  return { script, opening: [...script.connect(), ...script.bind(REALM, 554)] };
}

/** The RTSP dialogue, in frames of `frameBytes` of which each is a segment. */
function dialogue(script: PtcpScript, frameBytes: number, realm = REALM): SocketDatagram[] {
  const datagrams: SocketDatagram[] = [];
  for (const { direction, bytes } of rtspDialogue()) {
    for (let at = 0; at < bytes.length; at += frameBytes) {
      const data = bytes.subarray(at, at + frameBytes);
      datagrams.push(script.segment(direction, encodeFrame({ type: "data", realm, data })));
    }
  }
  return datagrams;
}

/** The data of all DATA frames of one direction, joined, so that a cut secret would show. */
function joinedData(datagrams: readonly SocketDatagram[], outputs: readonly Uint8Array[]): string {
  const text = { in: "", out: "" };
  for (const [index, datagram] of datagrams.entries()) {
    text[datagram.direction] += decodeLatin1(outputs[index]!.subarray(24 + 12));
  }
  return text.in + "\n" + text.out;
}

function assertSameHeaders(
  inputs: readonly SocketDatagram[],
  outputs: readonly Uint8Array[],
): void {
  assertEquals(outputs.length, inputs.length);
  for (const [index, { data }] of inputs.entries()) {
    assertEquals(outputs[index]!.length, data.length);
    assertEquals(outputs[index]!.subarray(0, 24), data.subarray(0, 24));
  }
}

function assertNoSecrets(text: string): void {
  for (const secret of LOGIN_SECRETS) assertFalse(text.includes(secret), secret);
}

Deno.test("of a session the login is blanked, and headers, frames and media stay", () => {
  const { script, opening } = opened();
  const datagrams = [...opening, ...dialogue(script, 1280)];
  const outputs = redactAll(datagrams);
  assertSameHeaders(datagrams, outputs);
  for (const index of opening.keys()) assertEquals(outputs[index], datagrams[index]!.data);
  const text = joinedData(datagrams, outputs);
  assertNoSecrets(text);
  assert(text.includes("DESCRIBE rtsp://"));
  assertEquals(outputs.at(-1), datagrams.at(-1)!.data, "media is not touched");
});

Deno.test("a login cut into frames of any size is blanked", () => {
  for (const frameBytes of [1, 2, 7, 16, 61, 300]) {
    const { script, opening } = opened({ initialSequence: 0xffffff80 });
    const datagrams = dialogue(script, frameBytes);
    const outputs = redactAll([...opening, ...datagrams]).slice(opening.length);
    assertSameHeaders(datagrams, outputs);
    assertNoSecrets(joinedData(datagrams, outputs));
  }
});

Deno.test("frames joined and cut across segments are blanked by the stream, not by the datagram", () => {
  const bytes = concatBytes([
    encodeFrame({ type: "heartbeat" }),
    encodeFrame({ type: "sign-present", value: Uint8Array.of(1, 2, 3, 4) }),
    dataFrames(REALM, rtspDialogue()[0]!.bytes, 50),
  ]);
  for (const size of [5, 11, 13, 29, 64, 1000]) {
    const own = new PtcpScript();
    const start = [...own.connect(), ...own.bind(REALM, 554)];
    const datagrams: SocketDatagram[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      datagrams.push(own.segment("out", bytes.subarray(at, at + size)));
    }
    const outputs = redactAll([...start, ...datagrams]).slice(start.length);
    const stream = concatBytes(outputs.map((output) => output.subarray(24)));
    assertEquals(stream.length, bytes.length);
    assertEquals(toHex(stream.subarray(0, 28)), "13" + "00".repeat(11) + "19" + "00".repeat(15));
    assertEquals(toHex(stream.subarray(28, 40)), toHex(bytes.subarray(28, 40)));
    assertNoSecrets(decodeLatin1(stream));
  }
});

Deno.test("realms of other ports, and realms nobody bound, are blank but for their headers", () => {
  const script = new PtcpScript();
  const opening = [...script.connect(), ...script.bind(REALM, 80)];
  const frames = [REALM, 0x55667788].map((realm) =>
    encodeFrame({ type: "data", realm, data: utf8("GET /?password=hush HTTP/1.1") })
  );
  const datagrams = frames.map((frame) => script.segment("out", frame));
  const outputs = redactAll([...opening, ...datagrams]).slice(opening.length);
  for (const [index, output] of outputs.entries()) {
    assertEquals(output.subarray(24, 36), frames[index]!.subarray(0, 12));
    assert(output.subarray(36).every((byte) => byte === 0));
  }
  const asRtsp = redactAll([...opening, datagrams[0]!], { rtspPorts: [80] }).at(-1)!;
  assertEquals(decodeLatin1(asRtsp.subarray(36, 41)), "GET**");
});

Deno.test("a retransmission is blanked exactly as the segment it repeats", () => {
  const { script, opening } = opened();
  const datagrams = dialogue(script, 40).slice(0, 20);
  const repeated = [...opening, ...datagrams, ...datagrams];
  const outputs = redactAll(repeated);
  const first = outputs.slice(opening.length, opening.length + datagrams.length);
  assertEquals(outputs.slice(opening.length + datagrams.length), first);
});

Deno.test("a segment that overtook another waits for it and then comes out right", () => {
  const { script, opening } = opened();
  const [first, second, third] = dialogue(script, 60);
  const inOrder = redactAll([...opening, first!, second!, third!]).slice(opening.length);
  const redactor = new Redactor();
  for (const datagram of opening) redactor.push(captured(datagram));
  drain(redactor);
  redactor.push(captured(second!));
  assertEquals(drain(redactor), [], "it could hold the middle of a login");
  redactor.push(captured(third!));
  assertEquals(drain(redactor), [], "order is kept");
  redactor.push(captured(first!));
  assertEquals(drain(redactor), [inOrder[1]!, inOrder[2]!, inOrder[0]!]);
});

Deno.test("waiting ends after the hold time, and what is unknown then is blank", () => {
  const { script, opening } = opened();
  const [lost, kept, next] = dialogue(script, 60);
  const redactor = new Redactor({ holdMs: 2000 });
  for (const datagram of opening) redactor.push(captured(datagram));
  drain(redactor);
  redactor.push(captured(kept!));
  redactor.push({ type: "event", unixTimeMs: kept!.unixTimeMs + 2000, text: "not yet" });
  assertEquals(drain(redactor), []);
  redactor.push({ type: "event", unixTimeMs: kept!.unixTimeMs + 2001, text: "now" });
  const [output] = drain(redactor);
  assertEquals(output!.subarray(0, 36), kept!.data.subarray(0, 36), "the frame header is seen");
  assert(output!.subarray(36).every((byte) => byte === 0x2a));
  redactor.push(captured({ ...lost!, unixTimeMs: kept!.unixTimeMs + 2002 }));
  const [late] = drain(redactor);
  assert(late!.subarray(24).every((byte) => byte === 0), "too late to be judged");
  redactor.push(captured(next!));
  assertEquals(drain(redactor).length, 1);
});

Deno.test("waiting ends when it would hold too much", () => {
  const { script, opening } = opened();
  script.segment("in", new Uint8Array(100));
  const redactor = new Redactor({ holdBytes: 10_000 });
  for (const datagram of opening) redactor.push(captured(datagram));
  drain(redactor);
  let waiting = 0;
  let most = 0;
  for (let i = 0; i < 50; i++) {
    redactor.push(captured(script.segment("in", dataFrames(REALM, new Uint8Array(1000)))));
    waiting += 1 - drain(redactor).length;
    most = Math.max(most, waiting);
  }
  assert(most >= 5 && most <= 10, `${most} waited`);
});

Deno.test("a capture that begins in the middle shows nothing before a frame begins", () => {
  const datagrams = dialogue(opened().script, 60);
  const outputs = redactAll(datagrams);
  assertSameHeaders(datagrams, outputs);
  assertNoSecrets(joinedData(datagrams, outputs));
  const cut = datagrams[1]!.data.slice(0, 24 + 30);
  const later = { ...datagrams[1]!, data: concatBytes([cut.subarray(0, 24), cut.subarray(40)]) };
  assert(redactAll([later])[0]!.subarray(24).every((byte) => byte === 0));
});

Deno.test("a NACK takes no sequence space, whatever its control byte", () => {
  for (const control of [0, 1]) {
    const { script, opening } = opened();
    const payload = fromHex("0a 0008 53000000 0000 3a00");
    const nack = script.raw("in", { control, payload });
    const after = dialogue(script, 1280);
    const outputs = redactAll([...opening, nack, nack, ...after]).slice(opening.length);
    assertEquals(outputs[0], nack.data);
    assertEquals(outputs[1], nack.data);
    assertEquals(outputs.at(-1), after.at(-1)!.data);
  }
});

Deno.test("a control body that is no NACK is blanked and not counted", () => {
  const { script, opening } = opened();
  const odd = script.raw("in", { control: 1, payload: utf8("hush") });
  const after = dialogue(script, 1280);
  const outputs = redactAll([...opening, odd, ...after]).slice(opening.length);
  assertEquals(toHex(outputs[0]!.subarray(24)), "00000000");
  assertEquals(outputs.at(-1), after.at(-1)!.data);
});

Deno.test("a new connection between the same endpoints is judged afresh", () => {
  const first = opened();
  const old = dialogue(first.script, 1280);
  const second = opened();
  const fresh = dialogue(second.script, 1280);
  const datagrams = [...first.opening, ...old, ...second.opening, ...fresh];
  const outputs = redactAll(datagrams);
  assertEquals(
    outputs.slice(old.length + first.opening.length),
    outputs.slice(0, fresh.length + second.opening.length),
  );
});

Deno.test("STUN and events stay, unknown datagrams keep four bytes and a remark", () => {
  const script = new PtcpScript();
  const stun = fromHex("fefefff3 deed5bbd a1a2a3a4a5a6a7a8a9aaabac 7fd6fff7 5f4e3d2c1b0a59e8");
  const redactor = new Redactor();
  const entries: Captured[] = [
    captured(script.datagram("in", stun)),
    { type: "event", unixTimeMs: 1, text: "path direct" },
    captured(script.datagram("in", utf8("hush hush"))),
  ];
  for (const entry of entries) redactor.push(entry);
  assertEquals(redactor.next(), entries[0]);
  assertEquals(redactor.next(), entries[1]);
  const unknown = redactor.next();
  assert(unknown?.type === "datagram");
  assertEquals(decodeLatin1(unknown.data), "hush\0\0\0\0\0");
  assertEquals(unknown.comment, "unknown datagram, blanked");
  redactor.finish();
  assertThrows(() => redactor.push(entries[1]!), StateError);
});

Deno.test("lost, repeated and reordered segments never show a secret, and nothing is lost or moved", () => {
  const fate = fc.constantFrom("keep", "keep", "keep", "lose", "repeat", "swap", "swap");
  const run = fc.record({
    fates: fc.array(fate, { minLength: 60, maxLength: 60 }),
    frameBytes: fc.integer({ min: 20, max: 400 }),
    holdBytes: fc.constantFrom(300, 3000, 1_000_000),
    historyBytes: fc.constantFrom(100, 100_000),
  });
  fc.assert(
    fc.property(run, ({ fates, frameBytes, holdBytes, historyBytes }) => {
      const { script, opening } = opened({ initialSequence: 0xfffffd00 });
      const wire: SocketDatagram[] = [];
      for (const [index, datagram] of dialogue(script, frameBytes).entries()) {
        const what = fates[index % fates.length]!;
        if (what === "lose") continue;
        wire.push(datagram);
        if (what === "repeat") wire.push(datagram);
        if (what === "swap" && wire.length > 1) {
          const last = wire.length - 1;
          [wire[last], wire[last - 1]] = [wire[last - 1]!, wire[last]!];
        }
      }
      const datagrams = [...opening, ...wire];
      const outputs = redactAll(datagrams, { holdBytes, historyBytes });
      assertSameHeaders(datagrams, outputs);
      for (const output of outputs) assertNoSecrets(decodeLatin1(output));
      assertNoSecrets(joinedData(datagrams, outputs));
    }),
    { numRuns: 60 },
  );
});

Deno.test("any datagrams come out in order and in their lengths", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.uint8Array({ maxLength: 80 }).map((rest) => concatBytes([utf8("PTCP"), rest])),
    fc.tuple(fc.nat(40), fc.nat(3), fc.uint8Array({ maxLength: 60 })).map((
      [sequence, flags, rest],
    ) =>
      concatBytes([
        utf8("PTCP"),
        Uint8Array.of(0, 0, 0, sequence, 0, 0, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        rest,
      ])
    ),
  );
  fc.assert(fc.property(fc.array(bytes, { maxLength: 20 }), (datas) => {
    const script = new PtcpScript();
    const datagrams = datas.map((data, index) =>
      script.datagram(index % 2 === 0 ? "in" : "out", data)
    );
    const outputs = redactAll(datagrams);
    assertEquals(outputs.map((output) => output.length), datas.map((data) => data.length));
  }));
});
