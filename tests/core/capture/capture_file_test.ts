import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, fromHex, readUint16, toHex, utf8 } from "../../../lib/core/bytes.ts";
import type { Captured } from "../../../lib/core/capture/captured.ts";
import { CaptureReader } from "../../../lib/core/capture/capture_reader.ts";
import { CaptureWriter } from "../../../lib/core/capture/capture_writer.ts";
import { decodeUdpPacket, encodeUdpPacket, LINK_TYPE } from "../../../lib/core/capture/ipv4.ts";
import { encodePacketBlock } from "../../../lib/core/capture/pcapng.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import { DEVICE, LOCAL, START_MS } from "../../support/capture_session.ts";

function readAll(file: Uint8Array, chunkBytes = file.length): Captured[] {
  const reader = new CaptureReader();
  const entries: Captured[] = [];
  for (let at = 0; at < file.length; at += chunkBytes) {
    reader.push(file.subarray(at, at + chunkBytes));
    for (let entry = reader.next(); entry; entry = reader.next()) entries.push(entry);
  }
  reader.finish();
  return entries;
}

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    total += i + 1 < bytes.length ? readUint16(bytes, i) : bytes[i]! << 8;
  }
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

function smallCapture(): Uint8Array {
  const writer = new CaptureWriter({ secrets: "keep" });
  const base = { socket: "device", local: LOCAL, remote: DEVICE };
  return concatBytes([
    writer.datagram({ ...base, direction: "out", data: utf8("one"), unixTimeMs: START_MS + 0.001 }),
    writer.event("path direct", START_MS + 1),
    writer.datagram({
      ...base,
      socket: "main",
      direction: "in",
      data: new Uint8Array(0),
      unixTimeMs: START_MS + 2.5,
      comment: "late",
    }),
    writer.finish(),
  ]);
}

Deno.test("a packet has the checksums that a receiver expects", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(0xffff), (payload, id) => {
    const packet = encodeUdpPacket(DEVICE, { ip: "10.0.0.1", port: 1 }, payload, id);
    assertEquals(sum(packet.subarray(0, 20)), 0xffff);
    const pseudo = concatBytes([
      packet.subarray(12, 20),
      Uint8Array.of(0, 17, 0, packet.length - 20),
      packet.subarray(20),
    ]);
    assertEquals(sum(pseudo), 0xffff);
    assert(readUint16(packet, 26) !== 0);
  }));
});

Deno.test("a packet block has the layout of the format", () => {
  const block = encodePacketBlock({
    interfaceId: 1,
    unixTimeMs: 4_294_967.297,
    packet: Uint8Array.of(1, 2, 3, 4, 5),
    direction: "out",
    comments: ["hi"],
  });
  assertEquals(
    toHex(block),
    "06000000" + "3c000000" + "01000000" + "01000000" + "01000000" + "05000000" + "05000000" +
      "0102030405000000" + "01000200" + "68690000" + "02000400" + "02000000" + "00000000" +
      "3c000000",
  );
});

Deno.test("what is written is read back, in order, with sockets, directions, times and remarks", () => {
  const [one, event, late] = readAll(smallCapture());
  assertEquals(one, {
    type: "datagram",
    unixTimeMs: START_MS + 0.001,
    socket: "device",
    direction: "out",
    from: { ip: "127.0.0.1", port: 59_474 },
    to: DEVICE,
    data: utf8("one"),
    comment: undefined,
  });
  assertEquals(event, { type: "event", unixTimeMs: START_MS + 1, text: "path direct" });
  assertEquals(late, {
    type: "datagram",
    unixTimeMs: START_MS + 2.5,
    socket: "main",
    direction: "in",
    from: DEVICE,
    to: { ip: "127.0.0.1", port: 59_474 },
    data: new Uint8Array(0),
    comment: "late",
  });
});

Deno.test("any datagrams survive writing and reading", () => {
  const datagram = fc.record({
    socket: fc.constantFrom("main", "us", "device"),
    direction: fc.constantFrom("in" as const, "out" as const),
    data: fc.uint8Array({ maxLength: 2000 }),
  });
  fc.assert(fc.property(fc.array(datagram, { maxLength: 20 }), fc.integer({ min: 1, max: 999 }), (
    datagrams,
    chunkBytes,
  ) => {
    const writer = new CaptureWriter({ secrets: "keep" });
    const file = concatBytes([
      ...datagrams.map((d) =>
        writer.datagram({ ...d, local: LOCAL, remote: DEVICE, unixTimeMs: START_MS })
      ),
      writer.finish(),
    ]);
    const read = readAll(file, chunkBytes);
    assertEquals(
      read.map((entry) =>
        entry.type === "datagram"
          ? { socket: entry.socket, direction: entry.direction, data: entry.data }
          : undefined
      ),
      datagrams,
    );
  }));
});

Deno.test("a file gives the same whether it comes whole or byte by byte", () => {
  assertEquals(readAll(smallCapture(), 1), readAll(smallCapture()));
});

Deno.test("a file cut at any byte gives a beginning and then a DecodeError, never anything else", () => {
  const file = smallCapture();
  const whole = readAll(file);
  let complete = 0;
  for (let length = 0; length < file.length; length++) {
    const reader = new CaptureReader();
    reader.push(file.subarray(0, length));
    const entries: Captured[] = [];
    for (let entry = reader.next(); entry; entry = reader.next()) entries.push(entry);
    assertEquals(entries, whole.slice(0, entries.length));
    try {
      reader.finish();
      complete++;
    } catch (error) {
      assert(error instanceof DecodeError);
    }
  }
  // Only the ends of blocks are ends of files: section, 3 interfaces, 3 packets, less the last.
  assertEquals(complete, 6);
});

Deno.test("any bytes give entries or a DecodeError", () => {
  const magic = fc.constantFrom("0a0d0d0a", "d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "");
  fc.assert(fc.property(magic, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
    try {
      readAll(concatBytes([fromHex(start), rest]), 50);
    } catch (error) {
      assert(error instanceof DecodeError, String(error));
    }
  }));
});

Deno.test("a damaged capture gives entries or a DecodeError", () => {
  const file = smallCapture();
  fc.assert(fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    const damaged = file.slice();
    damaged[at] = damaged[at]! ^ flip;
    try {
      readAll(damaged);
    } catch (error) {
      assert(error instanceof DecodeError, String(error));
    }
  }));
});

Deno.test("a block or packet above the limit ends the reading instead of filling memory", () => {
  const section = smallCapture();
  const huge = concatBytes([
    section.subarray(0, readLength(section)),
    fromHex("06000000 00000010 00000000"),
  ]);
  assertThrows(() => readAll(huge), DecodeError, "longer than the limit");
  const pcap = fromHex(
    "d4c3b2a1 0200 0400 00000000 00000000 ffff0000 65000000" + "00".repeat(8) +
      "ffffff7f ffffff7f",
  );
  assertThrows(() => readAll(pcap), DecodeError, "longer than the limit");
});

function readLength(block: Uint8Array): number {
  return new DataView(block.buffer, block.byteOffset).getUint32(4, true);
}

Deno.test("pcap files are read in both byte orders and both resolutions", () => {
  const packet = encodeUdpPacket(DEVICE, { ip: "10.0.0.1", port: 7 }, utf8("x"));
  for (const isLittle of [true, false]) {
    for (const nanoseconds of [true, false]) {
      const file = new Uint8Array(40 + packet.length);
      const view = new DataView(file.buffer);
      view.setUint32(0, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, isLittle);
      view.setUint32(20, LINK_TYPE.raw, isLittle);
      view.setUint32(24, 1_700_000_000, isLittle);
      view.setUint32(28, nanoseconds ? 250_000_000 : 250_000, isLittle);
      view.setUint32(32, packet.length, isLittle);
      view.setUint32(36, packet.length, isLittle);
      file.set(packet, 40);
      const [entry] = readAll(file);
      assert(entry?.type === "datagram");
      assertEquals(entry.unixTimeMs, 1_700_000_000_250);
      assertEquals(entry.data, utf8("x"));
      assertEquals(entry.from, DEVICE);
    }
  }
});

Deno.test("link layers of other capture programs are stripped", () => {
  const packet = encodeUdpPacket(DEVICE, { ip: "10.0.0.1", port: 7 }, utf8("x"));
  const mac = "00".repeat(12);
  const layers: [number, string][] = [
    [LINK_TYPE.ethernet, mac + "0800"],
    [LINK_TYPE.ethernet, mac + "8100 0001 0800"],
    [LINK_TYPE.ethernet, mac + "88a8 0001 8100 0002 0800"],
    [LINK_TYPE.raw, ""],
    [LINK_TYPE.ipv4, ""],
    [LINK_TYPE.null, "02000000"],
    [LINK_TYPE.linuxCooked, "0004 0001 0006 000000000000 0000 0800"],
    [LINK_TYPE.linuxCooked2, "0800 0000 00000001 0001 04 06 0000000000000000"],
  ];
  for (const [linkType, header] of layers) {
    const udp = decodeUdpPacket(linkType, concatBytes([fromHex(header), packet]));
    assertEquals(udp?.payload, utf8("x"), `link type ${linkType}`);
    assertEquals(udp?.to.port, 7);
  }
  const cooked = decodeUdpPacket(
    LINK_TYPE.linuxCooked,
    concatBytes([fromHex("0004 0001 0006 000000000000 0000 0800"), packet]),
  );
  assertEquals(cooked?.outgoing, true);
});

Deno.test("what is no whole UDP over IPv4 is passed over, not guessed at", () => {
  const packet = encodeUdpPacket(DEVICE, { ip: "10.0.0.1", port: 7 }, utf8("payload"));
  const change = (at: number, value: number): Uint8Array => {
    const changed = packet.slice();
    changed[at] = value;
    return changed;
  };
  assertEquals(decodeUdpPacket(LINK_TYPE.raw, change(0, 0x65)), undefined);
  assertEquals(decodeUdpPacket(LINK_TYPE.raw, change(9, 6)), undefined);
  assertEquals(decodeUdpPacket(LINK_TYPE.raw, change(6, 0x20)), undefined);
  assertEquals(decodeUdpPacket(LINK_TYPE.raw, change(0, 0x4f)), undefined);
  assertEquals(decodeUdpPacket(LINK_TYPE.raw, change(25, 7)), undefined);
  assertEquals(decodeUdpPacket(147, packet), undefined);
  for (let length = 0; length < 28; length++) {
    assertEquals(decodeUdpPacket(LINK_TYPE.raw, packet.subarray(0, length)), undefined);
  }
  assertEquals(decodeUdpPacket(LINK_TYPE.raw, packet.subarray(0, 30))?.payload, utf8("pa"));
});
