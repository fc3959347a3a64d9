import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  concatBytes,
  formatEndpoint,
  fromHex,
  readUint32,
  toHex,
} from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import {
  decodeStun,
  encodeStun,
  isPlainStun,
  isStun,
  MAGIC_COOKIE,
  type StunMessage,
} from "../../../lib/core/punch/stun.ts";

interface Row {
  readonly name: string;
  readonly bytes: number;
  readonly hex: string;
  readonly type: StunMessage["type"];
  readonly cookie: string;
  readonly transactionId: string;
  readonly role: "controlling" | "controlled";
  readonly identify: string;
  readonly address?: string;
}

const rows: Row[] = Deno.readTextFileSync(
  new URL("../../../fixtures/recorded/stun-direct-2024.jsonl", import.meta.url),
).trim().split("\n").slice(1).map((line) => JSON.parse(line));

function invert(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => ~byte);
}

Deno.test("every recorded datagram decodes to what it says", () => {
  assertEquals(rows.length, 5);
  for (const row of rows) {
    const datagram = fromHex(row.hex);
    assertEquals(datagram.length, row.bytes, row.name);
    assertEquals(isStun(datagram), true, row.name);
    assertEquals(isPlainStun(datagram), false, row.name);
    const message = decodeStun(datagram);
    assertEquals(message.type, row.type, row.name);
    assertEquals(message.cookie, readUint32(fromHex(row.cookie), 0), row.name);
    assertEquals(toHex(message.transactionId), row.transactionId, row.name);
    assertEquals(message.role, row.role, row.name);
    assertEquals(toHex(message.identify!), row.identify, row.name);
    assertEquals(message.address && formatEndpoint(message.address), row.address, row.name);
  }
});

Deno.test("every recorded datagram is encoded again byte for byte", () => {
  for (const row of rows) assertEquals(toHex(encodeStun(decodeStun(fromHex(row.hex)))), row.hex);
});

Deno.test("the device's cookie is the one of RFC 5389", () => {
  assertEquals(decodeStun(fromHex(rows[1]!.hex)).cookie, MAGIC_COOKIE);
});

Deno.test("stale bytes behind a confirmation are ignored", () => {
  const confirmation = fromHex(rows[4]!.hex);
  const stale = concatBytes([confirmation, fromHex("fffbfff7fffea8133f57fe37")]);
  assertEquals(stale.length, 44);
  assertEquals(isStun(stale), true);
  assertEquals(decodeStun(stale), decodeStun(confirmation));
});

Deno.test("a datagram cut at any length is no message", () => {
  for (const row of rows) {
    const datagram = fromHex(row.hex);
    for (let length = 0; length < datagram.length; length++) {
      const cut = datagram.subarray(0, length);
      assertEquals(isStun(cut), false);
      assertThrows(() => decodeStun(cut), DecodeError);
    }
  }
});

Deno.test("STUN that is not inverted is recognised as plain and not decoded", () => {
  for (const row of rows) {
    const plain = invert(fromHex(row.hex));
    assertEquals(isPlainStun(plain), true);
    assertEquals(isStun(plain), false);
    assertThrows(() => decodeStun(plain), DecodeError, "no inverted STUN");
  }
});

Deno.test("PTCP segments and HTTP answers are no STUN", () => {
  for (
    const hex of ["50544350".padEnd(48, "0"), "485454502f312e3120323030204f4b0d0a0d0a0d0a0d0a"]
  ) {
    assertEquals(isStun(fromHex(hex)), false);
    assertEquals(isPlainStun(fromHex(hex)), false);
  }
});

Deno.test("an error response is a message of its own", () => {
  const datagram = invert(fromHex("0111" + "0000" + "2112a442" + "00".repeat(12)));
  assertEquals(isStun(datagram), true);
  assertEquals(decodeStun(datagram).type, "error");
  assertEquals(encodeStun(decodeStun(datagram)), datagram);
});

Deno.test("an unknown attribute is skipped with its padding", () => {
  const message = decodeStun(
    invert(
      fromHex(
        "0001" + "0014" + "2112a442" + "00".repeat(12) + "8022000361626300" + "000400080001" +
          "0102" + "0a000001",
      ),
    ),
  );
  assertEquals(message.address, { ip: "10.0.0.1", port: 258 });
  assertEquals(message.identify, undefined);
});

Deno.test("attributes that do not fit are refused", () => {
  const head = (length: string): string => "0001" + length + "2112a442" + "00".repeat(12);
  const table: [string, string][] = [
    [head("0002") + "8029", "cut short"],
    [head("0008") + "8029000800000000", "beyond the message"],
    [head("0008") + "8029000400000000", "not of 8 bytes"],
    [head("0008") + "0004000400000000", "not of 8 bytes"],
    [head("000c") + "000400080002" + "0102" + "0a000001", "not IPv4"],
    [head("0044") + "80220000".repeat(17), "too many"],
  ];
  for (const [hex, what] of table) {
    assertThrows(() => decodeStun(invert(fromHex(hex))), DecodeError, what);
  }
});

Deno.test("what cannot be on the wire is not encoded", () => {
  const good = decodeStun(fromHex(rows[0]!.hex));
  assertThrows(() => encodeStun({ ...good, transactionId: new Uint8Array(11) }), RangeError);
  assertThrows(() => encodeStun({ ...good, identify: new Uint8Array(7) }), RangeError);
  assertThrows(() => encodeStun({ ...good, identify: undefined }), RangeError);
  assertThrows(() => encodeStun({ ...good, address: { ip: "::1", port: 1 } }), RangeError);
  assertThrows(() => encodeStun({ ...good, type: "confirmation" }), RangeError);
  assertThrows(() => encodeStun({ ...good, type: "success", address: undefined }), RangeError);
});

const endpoint = fc.record({
  ip: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join(".")),
  port: fc.nat(65535),
});
const fixedBytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const header = fc.record({
  cookie: fc.nat(0xffffffff),
  transactionId: fixedBytes(12),
});
const ice = fc.option(
  fc.record({
    role: fc.constantFrom<"controlling" | "controlled">("controlling", "controlled"),
    identify: fixedBytes(8),
  }),
  { nil: {} },
);
const messages: fc.Arbitrary<StunMessage> = fc.tuple(
  header,
  ice,
  fc.oneof(
    fc.record({
      type: fc.constantFrom<StunMessage["type"]>("request", "success"),
      address: endpoint,
    }),
    fc.record({ type: fc.constantFrom<StunMessage["type"]>("request", "confirmation", "error") }),
  ),
).map(([head, attributes, body]) => ({ ...head, ...attributes, ...body }));

Deno.test("a message survives encoding and decoding, with anything behind it", () => {
  fc.assert(fc.property(messages, fc.uint8Array({ maxLength: 40 }), (message, behind) => {
    const datagram = concatBytes([encodeStun(message), behind]);
    assertEquals(isStun(datagram), true);
    assertEquals(decodeStun(datagram), message);
  }));
});

Deno.test("any bytes are a message or a decode error", () => {
  const looksRight = fc.tuple(messages, fc.array(fc.tuple(fc.nat(43), fc.nat(255)))).map((
    [message, damage],
  ) => {
    const datagram = encodeStun(message);
    for (const [at, byte] of damage) if (at < datagram.length) datagram[at] = byte;
    return datagram;
  });
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), looksRight), (datagram) => {
    try {
      decodeStun(datagram);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }));
});
