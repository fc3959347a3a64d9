import { assertEquals, assertThrows } from "@std/assert";
import { parseCloud, parseForward, reachableHost } from "../../lib/cli/address.ts";
import { InvalidValue } from "../../lib/cli/usage.ts";

Deno.test("a forward is a local and a remote port, with an address in front of them or not", () => {
  const table: readonly [string, string, number, number][] = [
    ["1554:554", "127.0.0.1", 1554, 554],
    ["0:80", "127.0.0.1", 0, 80],
    ["0.0.0.0:1554:554", "0.0.0.0", 1554, 554],
    ["192.168.1.5:65535:65535", "192.168.1.5", 65535, 65535],
    ["[::1]:1554:554", "::1", 1554, 554],
    ["[::]:0:37777", "::", 0, 37777],
    ["[::ffff:127.0.0.1]:1554:554", "::ffff:127.0.0.1", 1554, 554],
  ];
  for (const [text, bind, localPort, remotePort] of table) {
    assertEquals(parseForward(text), { bind, localPort, remotePort }, text);
  }
});

Deno.test("what is no forward is refused", () => {
  const refused = [
    "",
    "554",
    "1554:",
    ":554",
    "1554:0",
    "65536:554",
    "1554:65536",
    "1554:554:80:1",
    "localhost:1554:554",
    "::1:1554:554",
    "[::1]1554:554",
    "[1.2.3.4]:1554:554",
    "[:::1]:1554:554",
    "[fe80::1%eth0]:1554:554",
    "256.0.0.1:1554:554",
    "127.1:1554:554",
    "127.0.0.01:1554:554",
    "1554:554 ",
    "-1:554",
    "1554:5e2",
  ];
  for (const text of refused) assertThrows(() => parseForward(text), InvalidValue, "BIND", text);
});

Deno.test("a cloud is a name or an IPv4 address, with a port or the usual one", () => {
  assertEquals(parseCloud("example.com"), { host: "example.com", port: 8800 });
  assertEquals(parseCloud("127.0.0.1:18800"), { host: "127.0.0.1", port: 18800 });
  assertEquals(parseCloud("a-b.example:1"), { host: "a-b.example", port: 1 });
});

Deno.test("what is no cloud is refused", () => {
  const refused = [
    "",
    ":8800",
    "example.com:",
    "example.com:0",
    "example.com:65536",
    "http://example.com",
    "user@example.com",
    "-bad.example",
    "bad-.example",
    "a..b",
    "a b",
    "[::1]:8800",
    "::1",
    "999.1.1.1",
    "1.2.3",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(130)}example`,
  ];
  for (const text of refused) assertThrows(() => parseCloud(text), InvalidValue, "HOST", text);
});

Deno.test("the wildcard address is reached through loopback", () => {
  assertEquals(["0.0.0.0", "::", "::1", "127.0.0.1", "192.0.2.1"].map(reachableHost), [
    "127.0.0.1",
    "::1",
    "::1",
    "127.0.0.1",
    "192.0.2.1",
  ]);
});
