import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DecodeError } from "../../../lib/core/errors.ts";
import {
  complementAddress,
  distinctEndpoints,
  isReachable,
  MAX_ADDRESSES,
  parseAddresses,
} from "../../../lib/core/cloud/local_address.ts";

Deno.test("one or several addresses share one port", () => {
  assertEquals(parseAddresses("192.168.1.108:23730"), [{ ip: "192.168.1.108", port: 23730 }]);
  assertEquals(parseAddresses("192.168.57.20, 192.168.0.108,:51980"), [
    { ip: "192.168.57.20", port: 51980 },
    { ip: "192.168.0.108", port: 51980 },
  ]);
  assertEquals(parseAddresses(":0"), []);
});

Deno.test("what is no list of addresses is refused", () => {
  const tooMany = Array.from({ length: MAX_ADDRESSES + 1 }, () => "1.2.3.4").join(",") + ":1";
  for (
    const text of [
      "",
      "1.2.3.4",
      "a.b.c.d:1",
      "1.2.3.4:",
      "1.2.3.4:65536",
      "1.2.3:1",
      "[::1]:1",
      tooMany,
    ]
  ) {
    assertThrows(() => parseAddresses(text), DecodeError);
  }
  assertEquals(parseAddresses(tooMany.slice("1.2.3.4,".length)).length, MAX_ADDRESSES);
});

Deno.test("the complement of 127.0.0.1 is 128.255.255.254, and its own inverse", () => {
  const loopback = { ip: "127.0.0.1", port: 59474 };
  assertEquals(complementAddress(loopback), { ip: "128.255.255.254", port: 59474 });
  assertEquals(complementAddress(complementAddress(loopback)), loopback);
});

Deno.test("port 0, 0.0.0.0, multicast and broadcast cannot be reached, loopback can", () => {
  for (const ip of ["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "255.255.255.255"]) {
    assertEquals(isReachable({ ip, port: 1 }), false);
  }
  assertEquals(isReachable({ ip: "10.0.0.1", port: 0 }), false);
  assertEquals(isReachable({ ip: "127.0.0.1", port: 1 }), true);
  assertEquals(isReachable({ ip: "223.255.255.255", port: 65535 }), true);
});

Deno.test("duplicates are merged in order", () => {
  const [a, b] = [{ ip: "10.0.0.1", port: 1 }, { ip: "10.0.0.1", port: 2 }];
  assertEquals(distinctEndpoints([a, b, { ...a }, { ...b }]), [a, b]);
});

Deno.test("any text gives addresses or a DecodeError", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.,:]{0,40}$/)), (text) => {
    try {
      parseAddresses(text);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }));
});
