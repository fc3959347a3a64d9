import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  bytesEqual,
  concatBytes,
  decodeLatin1,
  decodeUtf8,
  formatEndpoint,
  fromHex,
  isIpv4,
  parseEndpoint,
  readUint16,
  readUint32,
  sameEndpoint,
  toHex,
  utf8,
  writeUint16,
  writeUint32,
} from "../../lib/core/bytes.ts";
import { DecodeError } from "../../lib/core/errors.ts";

const anyBytes = fc.uint8Array({ maxLength: 64 });

Deno.test("integers come back big-endian from where they were written, and touch nothing else", () => {
  fc.assert(fc.property(fc.nat(0xffff), fc.nat(0xffffffff), fc.nat(5), (short, long, offset) => {
    const bytes = new Uint8Array(16).fill(0xaa);
    writeUint16(bytes, offset, short);
    writeUint32(bytes, offset + 4, long);
    assertEquals(readUint16(bytes, offset), short);
    assertEquals(readUint32(bytes, offset + 4), long);
    const view = new DataView(bytes.buffer);
    assertEquals(view.getUint16(offset), short);
    assertEquals(view.getUint32(offset + 4), long);
    const untouched = [...bytes.slice(0, offset), ...bytes.slice(offset + 2, offset + 4)];
    assert(untouched.every((byte) => byte === 0xaa));
  }));
});

Deno.test("a value too wide loses its upper bits, as on the wire", () => {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, 2 ** 32 + 5);
  assertEquals(readUint32(bytes, 0), 5);
  writeUint32(bytes, 0, -1);
  assertEquals(readUint32(bytes, 0), 0xffffffff);
  writeUint16(bytes, 0, 0x12345);
  assertEquals(readUint16(bytes, 0), 0x2345);
});

Deno.test("hex text and bytes are each other's inverse", () => {
  fc.assert(fc.property(anyBytes, (bytes) => assertEquals(fromHex(toHex(bytes)), bytes)));
  assertEquals(fromHex("50 54\n43\t50"), utf8("PTCP"));
  assertEquals(toHex(Uint8Array.of(0, 15, 255)), "000fff");
});

Deno.test("hex text that is none is refused, with the place of the fault", () => {
  assertThrows(() => fromHex("abc"), DecodeError, "odd length");
  assertEquals(assertThrows(() => fromHex("00 x1"), DecodeError).offset, 2);
});

Deno.test("every byte is the Latin-1 character of its own number", () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i & 0xff);
  const text = decodeLatin1(bytes);
  assertEquals(Array.from(text, (character) => character.charCodeAt(0)), [...bytes]);
});

Deno.test("UTF-8 is read whole or refused, Latin-1 always read", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    assertEquals(decodeUtf8(utf8(text)), text);
  }));
  assertThrows(() => decodeUtf8(Uint8Array.of(0xff), "the body"), DecodeError, "the body");
  fc.assert(fc.property(anyBytes, (bytes) => {
    assertEquals(decodeLatin1(bytes).length, bytes.length);
  }));
});

Deno.test("bytes are equal when each one is, and not otherwise", () => {
  fc.assert(fc.property(anyBytes, anyBytes, (a, b) => {
    assert(bytesEqual(a, a.slice()));
    assertEquals(bytesEqual(a, b), toHex(a) === toHex(b));
  }));
});

Deno.test("chunks are put behind each other in order", () => {
  fc.assert(fc.property(fc.array(anyBytes), (chunks) => {
    assertEquals([...concatBytes(chunks)], chunks.flatMap((chunk) => [...chunk]));
  }));
});

Deno.test("an endpoint is an IPv4 literal and a port", () => {
  assertEquals(parseEndpoint("192.0.2.80:8802"), { ip: "192.0.2.80", port: 8802 });
  assertEquals(formatEndpoint({ ip: "192.0.2.80", port: 8802 }), "192.0.2.80:8802");
  const octet = fc.nat(255);
  fc.assert(fc.property(octet, octet, octet, octet, fc.nat(65535), (a, b, c, d, port) => {
    const text = `${a}.${b}.${c}.${d}:${port}`;
    assertEquals(formatEndpoint(parseEndpoint(text)), text);
  }));
});

Deno.test("what is no endpoint is refused, not repaired", () => {
  for (
    const text of [
      "",
      ":0",
      "192.0.2.80",
      "192.0.2.80:",
      "192.0.2.80:65536",
      "192.0.2.80:-1",
      "192.0.2.80:8x",
      "192.0.2:80",
      "192.0.2.256:80",
      "192.0.02.1:80",
      "192.0.2.1.:80",
      "[::1]:80",
      "host:80",
    ]
  ) {
    assertThrows(() => parseEndpoint(text), DecodeError, undefined, text);
  }
});

Deno.test("IPv4 literals are taken in canonical form only", () => {
  for (const text of ["0.0.0.0", "127.0.0.1", "255.255.255.255"]) assert(isIpv4(text), text);
  for (const text of ["1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "1.2.3.", "::1", "256.1.1.1"]) {
    assert(!isIpv4(text), text);
  }
});

Deno.test("endpoints are the same when address and port are", () => {
  const endpoint = { ip: "192.0.2.1", port: 80 };
  assert(sameEndpoint(endpoint, { ...endpoint }));
  assert(!sameEndpoint(endpoint, { ...endpoint, port: 81 }));
  assert(!sameEndpoint(endpoint, { ...endpoint, ip: "192.0.2.2" }));
});
