import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, decodeLatin1, EMPTY } from "../../../lib/core/bytes.ts";
import { UdpSetupFilter } from "../../../lib/core/rtsp/filter.ts";
import { MessageFramer } from "../../../lib/core/rtsp/framer.ts";
import { headerValue } from "../../../lib/core/rtsp/message.ts";

const UDP = "RTP/AVP;unicast;client_port=5000-5001";
const TCP = "RTP/AVP/TCP;unicast;interleaved=0-1";

const request = (method: string, cseq: number | string, lines = "", body = ""): string =>
  `${method} rtsp://127.0.0.1:554/cam RTSP/1.0\r\nCSeq: ${cseq}\r\n${lines}` +
  (body ? `Content-Length: ${body.length}\r\n\r\n${body}` : "\r\n");
const setup = (cseq: number | string, transport: string, body = ""): string =>
  request("SETUP", cseq, `Transport: ${transport}\r\n`, body);
const ok = (cseq: number, body = ""): string =>
  `RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\n` +
  (body ? `Content-Length: ${body.length}\r\n\r\n${body}` : "\r\n");
const refused = (cseq: number | string): string =>
  `RTSP/1.0 461 Unsupported Transport\r\nCSeq: ${cseq}\r\n\r\n`;
const packet = (channel: number, text: string): string =>
  String.fromCharCode(0x24, channel, text.length >> 8, text.length & 0xff) + text;

/** Latin-1 text of chunks; Latin-1 bytes of text. */
const text = (chunks: readonly Uint8Array[]): string =>
  decodeLatin1(concatBytes([EMPTY, ...chunks]));
const raw = (value: string): Uint8Array => Uint8Array.from(value, (char) => char.charCodeAt(0));

/** A filter whose two outputs are collected as text. */
class Wire {
  readonly filter: UdpSetupFilter;
  device = "";
  client = "";

  constructor(options = {}) {
    this.filter = new UdpSetupFilter(options);
  }

  fromClient(value: string): void {
    this.#collect(this.filter.fromClient(raw(value)));
  }

  fromDevice(value: string): void {
    this.#collect(this.filter.fromDevice(raw(value)));
  }

  finish(): void {
    this.#collect(this.filter.finishClient());
    this.#collect(this.filter.finishDevice());
  }

  #collect(output: { toDevice: Uint8Array[]; toClient: Uint8Array[] }): void {
    for (const chunk of [...output.toDevice, ...output.toClient]) assert(chunk.length > 0);
    this.device += text(output.toDevice);
    this.client += text(output.toClient);
  }
}

Deno.test("a SETUP for UDP is answered 461 and never reaches the device", () => {
  for (const transport of [UDP, "RTP/AVP/UDP;unicast;client_port=1-2", "RTP/AVP;multicast"]) {
    const wire = new Wire();
    wire.fromClient(setup(3, transport));
    assertEquals([wire.device, wire.client], ["", refused(3)]);
  }
});

Deno.test("a SETUP for several datagram transports in one or two headers is answered 461", () => {
  const wire = new Wire();
  wire.fromClient(setup(3, `${UDP},RTP/AVP;multicast`));
  wire.fromClient(setup(4, `${UDP}\r\nTransport: RTP/AVP;multicast`));
  wire.fromClient(setup(5, `\r\n\t${UDP}`));
  assertEquals([wire.device, wire.client], ["", refused(3) + refused(4) + refused(5)]);
});

Deno.test("a SETUP for TCP, for nothing known, or without transport passes unchanged", () => {
  const passing = setup(1, TCP) + setup(2, "RTP/AVP;interleaved=0-1") + setup(3, "x-real-rdt") +
    request("SETUP", 4) + setup(5, TCP, "a body");
  const wire = new Wire();
  wire.fromClient(passing);
  assertEquals([wire.device, wire.client], [passing, ""]);
});

Deno.test("of a SETUP for UDP or TCP only the TCP alternative goes to the device", () => {
  const wire = new Wire();
  wire.fromClient(setup(7, `${UDP},${TCP}`, "body") + request("PLAY", 8));
  assertEquals(
    wire.device,
    "SETUP rtsp://127.0.0.1:554/cam RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 4\r\n" +
      `Transport: ${TCP}\r\n\r\nbody` + request("PLAY", 8),
  );
  assertEquals(wire.client, "");
  wire.fromDevice(ok(7) + ok(8));
  assertEquals(wire.client, ok(7) + ok(8));
});

Deno.test("the body of a withheld SETUP is withheld too, and what follows is not", () => {
  const wire = new Wire();
  for (const char of setup(3, UDP, "SETUP in a body") + request("PLAY", 4)) wire.fromClient(char);
  assertEquals([wire.device, wire.client], [request("PLAY", 4), refused(3)]);
});

Deno.test("the reply waits for the answers to all earlier requests", () => {
  const wire = new Wire();
  wire.fromClient(request("OPTIONS", 1) + request("DESCRIBE", 2) + setup(3, UDP));
  assertEquals([wire.device, wire.client], [request("OPTIONS", 1) + request("DESCRIBE", 2), ""]);
  wire.fromDevice(ok(1));
  assertEquals(wire.client, ok(1));
  const description = ok(2, "v=0\r\n");
  wire.fromDevice(description.slice(0, -1));
  assertEquals(wire.client, ok(1) + description.slice(0, -1));
  wire.fromDevice("\n");
  assertEquals(wire.client, ok(1) + description + refused(3));
});

Deno.test("the reply stands between two messages of the device, never inside a packet", () => {
  const wire = new Wire();
  const media = packet(0, "a long packet of media");
  wire.fromDevice(media.slice(0, 9));
  wire.fromClient(setup(3, UDP));
  assertEquals(wire.client, media.slice(0, 9));
  wire.fromDevice(media.slice(9, 12));
  assertEquals(wire.client, media.slice(0, 12));
  wire.fromDevice(media.slice(12) + packet(1, "report"));
  assertEquals(wire.client, media + refused(3) + packet(1, "report"));
});

Deno.test("a device half way through the header of a packet is not interrupted", () => {
  const wire = new Wire();
  wire.fromDevice("$\x00");
  wire.fromClient(setup(3, UDP));
  wire.fromDevice("\x00");
  wire.fromDevice("\x01");
  assertEquals(wire.client, "$\x00\x00\x01");
  wire.fromDevice("x");
  assertEquals(wire.client, "$\x00\x00\x01x" + refused(3));
});

Deno.test("media between the answers does not hide them and is not delayed", () => {
  const wire = new Wire();
  wire.fromClient(request("GET_PARAMETER", 1) + setup(2, UDP));
  wire.fromDevice(packet(0, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n") + "$\x01");
  assertEquals(wire.client, packet(0, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n") + "$\x01");
  wire.fromDevice("\x00\x02ab" + ok(1));
  assert(wire.client.endsWith("ab" + ok(1) + refused(2)));
});

Deno.test("requests behind a withheld one go on at once and are answered after the 461", () => {
  const wire = new Wire();
  wire.fromClient(request("OPTIONS", 1) + setup(2, UDP) + setup(3, TCP) + setup(4, UDP));
  assertEquals([wire.device, wire.client], [request("OPTIONS", 1) + setup(3, TCP), ""]);
  wire.fromDevice(ok(1) + ok(3));
  assertEquals(wire.client, ok(1) + refused(2) + ok(3) + refused(4));
});

Deno.test("an answer without CSeq counts for the oldest request, 1xx for none", () => {
  const wire = new Wire();
  wire.fromClient(request("DESCRIBE", 1) + setup(2, UDP));
  const trying = "RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\n";
  wire.fromDevice(trying);
  assertEquals(wire.client, trying);
  wire.fromDevice("RTSP/1.0 200 OK\r\n\r\n");
  assertEquals(wire.client, `${trying}RTSP/1.0 200 OK\r\n\r\n${refused(2)}`);
});

Deno.test("requests of the device are no answers, and the client's answers no requests", () => {
  const wire = new Wire();
  wire.fromClient(request("OPTIONS", 1) + setup(2, UDP));
  wire.fromDevice(request("ANNOUNCE", 1, "", "v=0"));
  assertEquals(wire.client, request("ANNOUNCE", 1, "", "v=0"));
  wire.fromClient(ok(1, "SETUP body") + setup(3, UDP));
  assertEquals(wire.device, request("OPTIONS", 1) + ok(1, "SETUP body"));
  wire.fromDevice(ok(1));
  assertEquals(wire.client, request("ANNOUNCE", 1, "", "v=0") + ok(1) + refused(2) + refused(3));
});

Deno.test("an answer that skips a request the device ignored lets the 461 go in front of it", () => {
  const wire = new Wire();
  wire.fromClient(request("SET_PARAMETER", 1) + setup(2, UDP) + request("OPTIONS", 3));
  const answer = ok(3);
  for (const char of answer) {
    assertEquals(wire.client, "");
    wire.fromDevice(char);
  }
  assertEquals(wire.client, refused(2) + answer);
});

Deno.test("an answer is never taken for that of a withheld SETUP with the same CSeq", () => {
  const wire = new Wire();
  wire.fromClient(request("SET_PARAMETER", 5) + setup(1, UDP) + request("OPTIONS", 1));
  wire.fromDevice(ok(1));
  assertEquals(wire.client, refused(1) + ok(1));
  wire.fromClient(setup(2, UDP));
  assertEquals(wire.client, refused(1) + ok(1) + refused(2));
});

Deno.test("an answer half of which has gone on is never torn by a 461", () => {
  const wire = new Wire();
  wire.fromDevice(ok(3).slice(0, 20));
  wire.fromClient(request("OPTIONS", 1) + setup(2, UDP) + request("OPTIONS", 3));
  wire.fromDevice(ok(3).slice(20));
  assertEquals(wire.client, ok(3) + refused(2));
});

Deno.test("a 461 asked for in the middle of an answer comes right behind it", () => {
  const wire = new Wire();
  wire.fromClient(request("OPTIONS", 1));
  wire.fromDevice(ok(1).slice(0, 10));
  wire.fromClient(setup(2, UDP) + request("PLAY", 3));
  wire.fromDevice(ok(1).slice(10) + ok(3));
  assertEquals(wire.client, ok(1) + refused(2) + ok(3));
});

Deno.test("a CSeq that cannot be one is not sent back", () => {
  const wire = new Wire();
  wire.fromClient(setup("1 2", UDP) + `SETUP * RTSP/1.0\r\nTransport: ${UDP}\r\n\r\n`);
  assertEquals(wire.client, "RTSP/1.0 461 Unsupported Transport\r\n\r\n".repeat(2));
});

Deno.test("talk and reports of the client pass between its requests", () => {
  const wire = new Wire();
  const talk = packet(2, setup(9, UDP));
  wire.fromClient(talk.slice(0, 3));
  wire.fromClient(talk.slice(3) + setup(3, UDP) + talk);
  assertEquals([wire.device, wire.client], [talk + talk, refused(3)]);
});

Deno.test("a request goes on as soon as its method is known not to be SETUP", () => {
  const wire = new Wire();
  wire.fromClient("SET");
  assertEquals([wire.device, wire.filter.heldBytes], ["", 3]);
  wire.fromClient("_");
  assertEquals([wire.device, wire.filter.heldBytes], ["SET_", 0]);
  wire.fromClient("PARAM");
  assertEquals(wire.device, "SET_PARAM");
  const other = new Wire();
  other.fromClient("O");
  assertEquals(other.device, "O");
});

Deno.test("an over-long SETUP passes untouched and ends the filtering", () => {
  for (const size of [1, 7, 1000]) {
    const wire = new Wire({ maxHeadBytes: 200 });
    const all = setup(1, UDP + ";x=" + "y".repeat(200)) + setup(2, UDP);
    for (let at = 0; at < all.length; at += size) {
      wire.fromClient(all.slice(at, at + size));
      assert(wire.filter.heldBytes <= 200);
    }
    assertEquals([wire.device, wire.client], [all, ""]);
  }
});

Deno.test("an over-long answer ends the filtering after what was owed", () => {
  const wire = new Wire({ maxHeadBytes: 300 });
  wire.fromClient(request("OPTIONS", 1) + setup(2, UDP));
  const long = `RTSP/1.0 200 OK\r\nX: ${"y".repeat(400)}\r\nCSeq: 1\r\n\r\n`;
  for (const char of long) wire.fromDevice(char);
  assertEquals(wire.client, refused(2) + long);
  wire.fromClient(setup(3, UDP));
  assertEquals(wire.device, request("OPTIONS", 1) + setup(3, UDP));
});

Deno.test("a half-held SETUP goes on when the device turns out to speak something else", () => {
  const wire = new Wire();
  wire.fromClient("SETUP rtsp:");
  wire.fromDevice("HTTP/1.1 400 Bad\r\n\r\n");
  assertEquals([wire.device, wire.client], ["SETUP rtsp:", "HTTP/1.1 400 Bad\r\n\r\n"]);
  wire.fromClient("//h RTSP/1.0\r\nTransport: RTP/AVP\r\n\r\n");
  assertEquals(wire.device, "SETUP rtsp://h RTSP/1.0\r\nTransport: RTP/AVP\r\n\r\n");
});

Deno.test("other protocols pass untouched both ways, whatever they carry", () => {
  const fakes: [string, string][] = [
    ["GET /cam HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"],
    ["POST /cam HTTP/1.0\r\nContent-Length: 32767\r\n\r\n", ""],
    ["\x16\x03\x01\x00\xa5\x01", "\x16\x03\x03\x00\x50"],
    ["SSH-2.0-x\r\n", "SSH-2.0-y\r\n"],
    ["\x00\x01\x02", "\xff\xfe"],
    ["SETUP \x00\x01", "\x00"],
  ];
  for (const [hello, answer] of fakes) {
    const wire = new Wire();
    const up = hello + setup(1, UDP) + setup(2, UDP);
    wire.fromClient(hello);
    wire.fromDevice(answer);
    wire.fromClient(setup(1, UDP));
    wire.fromDevice("RTSP/1.0 200 OK\r\n");
    wire.fromClient(setup(2, UDP));
    assertEquals([wire.device, wire.client], [up, answer + "RTSP/1.0 200 OK\r\n"], hello);
  }
});

Deno.test("more unanswered requests than the limit end the filtering, nothing is lost", () => {
  const wire = new Wire({ maxWaiting: 4 });
  let all = "";
  for (let i = 1; i <= 6; i++) all += request("GET_PARAMETER", i);
  wire.fromClient(all + setup(7, UDP));
  assertEquals([wire.device, wire.client], [all + setup(7, UDP), ""]);
});

Deno.test("what is held of a cut request or answer goes on at the end of the stream", () => {
  const wire = new Wire();
  wire.fromClient(request("OPTIONS", 1) + setup(2, UDP) + "SETUP rtsp://half");
  wire.fromDevice("RTSP/1.0 2");
  assertEquals([wire.device, wire.client], [request("OPTIONS", 1), ""]);
  wire.finish();
  assertEquals(wire.device, request("OPTIONS", 1) + "SETUP rtsp://half");
  assertEquals(wire.client, "RTSP/1.0 2");
  assertEquals(wire.filter.heldBytes, 0);
});

Deno.test("media chunks come out as the very same objects", () => {
  const filter = new UdpSetupFilter();
  const media = raw(packet(0, "x".repeat(2000)) + packet(1, "y".repeat(90)) + packet(0, "z"));
  for (let at = 0; at < media.length; at += 700) {
    const chunk = media.subarray(at, at + 700);
    const { toDevice, toClient } = filter.fromDevice(chunk);
    assertEquals([toDevice.length, toClient.length], [0, 1]);
    assertStrictEquals(toClient[0], chunk);
  }
  const upload = raw(packet(2, "talk"));
  assertStrictEquals(filter.fromClient(upload).toDevice[0], upload);
});

Deno.test("every refusal is reported once", () => {
  let count = 0;
  const wire = new Wire({ onRefused: () => count++ });
  wire.fromClient(setup(1, TCP) + setup(2, UDP) + setup(3, `${UDP},${TCP}`) + setup(4, UDP));
  assertEquals(count, 2);
});

Deno.test("limits that cannot work are the caller's fault", () => {
  assertThrows(() => new UdpSetupFilter({ maxWaiting: 0 }), RangeError);
  assertThrows(() => new UdpSetupFilter({ maxHeadBytes: 10 }), RangeError);
});

// Properties

const cutsOf = (length: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    fc.constant([]),
    fc.constant(Array.from({ length }, (_, i) => i)),
    fc.array(fc.nat({ max: length }), { maxLength: 20 }),
  ).map((cuts) => [...cuts].sort((a, b) => a - b));

function pieces(stream: string, cuts: readonly number[]): string[] {
  const edges = [0, ...cuts, stream.length];
  return edges.slice(1).map((edge, i) => stream.slice(edges[i]!, edge));
}

const body = fc.oneof(
  fc.constant(""),
  fc.constantFrom(setup(99, UDP), "$\x00\x00\x09", "\r\n\r\n"),
  fc.stringMatching(/^[\x20-\x7e]{1,30}$/),
);
const interleaved = fc.record({ channel: fc.nat(3), body }).map((p) => packet(p.channel, p.body));
/** A client message by kind; the CSeq is given when the stream is put together. */
const harmless = fc.oneof(
  fc.record({
    method: fc.constantFrom("OPTIONS", "SET_PARAMETER", "PLAY", "S", "SETUPS"),
    body,
  }).map(({ method, body }) => (cseq: number): string => request(method, cseq, "", body)),
  fc.record({ transport: fc.constantFrom(TCP, "x-rdt"), body })
    .map(({ transport, body }) => (cseq: number): string => setup(cseq, transport, body)),
);

Deno.test("without a SETUP for UDP both directions are byte-exact and nothing waits long", () => {
  const clientMessage = fc.oneof(
    harmless.map((make) => make(5)),
    interleaved,
    fc.constantFrom("\r\n", ok(3)),
  );
  const deviceMessage = fc.oneof(
    body.map((text) => ok(5, text)),
    interleaved,
    fc.constantFrom("\r\n", request("ANNOUNCE", 1, "", "v=0")),
    fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 5 }),
  );
  const run = fc.tuple(
    fc.array(clientMessage, { maxLength: 8 }),
    fc.array(deviceMessage, { maxLength: 8 }),
  ).chain(([up, down]) =>
    fc.tuple(
      fc.constant(up.join("")),
      fc.constant(down.join("")),
      cutsOf(up.join("").length),
      cutsOf(down.join("").length),
    )
  );
  fc.assert(
    fc.property(run, ([up, down, upCuts, downCuts]) => {
      const wire = new Wire();
      const upPieces = pieces(up, upCuts);
      const downPieces = pieces(down, downCuts);
      let sentUp = "";
      let sentDown = "";
      while (upPieces.length + downPieces.length > 0) {
        sentUp += upPieces[0] ?? "";
        wire.fromClient(upPieces.shift() ?? "");
        assert(sentUp.startsWith(wire.device), "the device got what was not sent");
        const held = sentUp.slice(wire.device.length);
        assertEquals(wire.filter.heldBytes, held.length);
        assert(
          "SETUP ".startsWith(held.slice(0, 6)) && !held.includes("\r\n\r\n"),
          `held without need: ${held}`,
        );
        sentDown += downPieces[0] ?? "";
        wire.fromDevice(downPieces.shift() ?? "");
        assertEquals(wire.client, sentDown);
      }
      wire.finish();
      assertEquals([wire.device, wire.client], [up, down]);
    }),
    { numRuns: 300 },
  );
});

Deno.test("any bytes either way pass in order, bounded, without an exception", () => {
  const noise = fc.array(
    fc.tuple(
      fc.boolean(),
      fc.oneof(
        fc.string({ unit: "binary-ascii", maxLength: 40 }),
        fc.constantFrom(setup(1, TCP), ok(1), "SETUP ", "$\x00\x00", "\r\n", "RTSP/1.0 "),
      ),
    ),
    { maxLength: 20 },
  );
  fc.assert(fc.property(noise, (steps) => {
    const wire = new Wire({ maxHeadBytes: 128 });
    let up = "";
    let down = "";
    for (const [isUp, value] of steps) {
      if (isUp) up += value;
      else down += value;
      if (isUp) wire.fromClient(value);
      else wire.fromDevice(value);
      assert(wire.filter.heldBytes <= 256);
    }
    wire.finish();
    assertEquals([wire.device, wire.client], [up, down]);
  }));
});

/** A device that answers what it gets, in order, one answer each time it is asked to. */
class ScriptedDevice {
  readonly #framer = new MessageFramer();
  readonly #owed: string[] = [];
  seen = "";

  get owes(): boolean {
    return this.#owed.length > 0;
  }

  receive(value: string): void {
    this.seen += value;
    const chunk = raw(value);
    for (let at = 0; at < chunk.length;) {
      at = this.#framer.advance(chunk, at);
      const head = this.#framer.head;
      if (head?.type === "request") this.#owed.push(headerValue(head, "CSeq")!);
    }
  }

  answer(media: string): string {
    const cseq = this.#owed.shift();
    return cseq === undefined ? media : ok(Number(cseq), media) + media;
  }
}

Deno.test("every request is answered exactly once, in order, with a 461 for each SETUP for UDP", () => {
  const message = fc.oneof(
    { weight: 2, arbitrary: harmless.map((make) => ({ make, withheld: false })) },
    {
      weight: 2,
      arbitrary: body.map((text) => ({
        make: (cseq: number): string => setup(cseq, UDP, text),
        withheld: true,
      })),
    },
  );
  const run = fc.tuple(
    fc.array(message, { maxLength: 12 }),
    fc.array(interleaved, { minLength: 1, maxLength: 4 }),
    fc.infiniteStream(fc.integer({ min: 1, max: 90 })),
    fc.infiniteStream(fc.boolean()),
  );
  fc.assert(
    fc.property(run, ([messages, media, sizes, coins]) => {
      const wire = new Wire();
      const device = new ScriptedDevice();
      let up = messages.map(({ make }, i) => make(i + 1)).join("");
      let down = "";
      let mediaSent = 0;
      for (let turn = 0; up !== "" || down !== "" || device.owes || turn < 9; turn++) {
        const size = sizes.next().value;
        if (coins.next().value && up !== "") {
          wire.fromClient(up.slice(0, size));
          up = up.slice(size);
          device.receive(wire.device.slice(device.seen.length));
        } else {
          if (down === "") down = device.answer(media[mediaSent++ % media.length]!);
          wire.fromDevice(down.slice(0, size));
          down = down.slice(size);
        }
      }
      assertEquals(
        wire.device,
        messages.map(({ make, withheld }, i) => withheld ? "" : make(i + 1)).join(""),
      );
      const framer = new MessageFramer();
      const chunk = raw(wire.client);
      const replies: [string | undefined, number][] = [];
      for (let at = 0; at < chunk.length;) {
        at = framer.advance(chunk, at);
        const head = framer.head;
        if (head?.type === "response") replies.push([headerValue(head, "CSeq"), head.status]);
      }
      assertEquals(framer.state, "boundary");
      assertEquals(
        replies,
        messages.map(({ withheld }, i) => [String(i + 1), withheld ? 461 : 200]),
      );
    }),
    { numRuns: 300 },
  );
});
