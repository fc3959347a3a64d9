import { assert, assertEquals } from "@std/assert";
import { RelayHosts } from "../../../lib/core/cloud/relay_hosts.ts";

const HOST = "192.0.2.7";

Deno.test("a host that fails rests for 3 s, and twice as long each further time, up to 15 s", () => {
  const hosts = new RelayHosts();
  assertEquals(hosts.readyAt(HOST), -Infinity);
  const rests: number[] = [];
  for (let now = 1000; rests.length < 5; now = hosts.readyAt(HOST)) {
    hosts.failed(HOST, now);
    rests.push(hosts.readyAt(HOST) - now);
  }
  assertEquals(rests, [3_000, 6_000, 12_000, 15_000, 15_000]);
  assertEquals(hosts.readyAt("192.0.2.8"), -Infinity);
});

Deno.test("a host that answers starts afresh", () => {
  const hosts = new RelayHosts();
  hosts.failed(HOST, 0);
  hosts.failed(HOST, 3_000);
  hosts.answered(HOST);
  assertEquals(hosts.readyAt(HOST), -Infinity);
  hosts.failed(HOST, 10_000);
  assertEquals(hosts.readyAt(HOST), 13_000);
});

Deno.test("four requests may be under way, and one that was forgotten counts for 5 s", () => {
  const hosts = new RelayHosts();
  const tickets = [0, 1, 2, 3].map((now) => {
    assert(hosts.hasRoom(now));
    return hosts.begin(now);
  });
  assert(!hosts.hasRoom(4));
  hosts.end(tickets[3]!);
  assert(hosts.hasRoom(5));
  hosts.begin(5);
  assert(!hosts.hasRoom(4_999));
  assert(hosts.hasRoom(5_000));
});

Deno.test("no more than so many hosts are remembered", () => {
  const hosts = new RelayHosts({ maxHosts: 2 });
  for (const ip of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) hosts.failed(ip, 0);
  assertEquals(hosts.readyAt("192.0.2.1"), -Infinity);
  assertEquals(hosts.readyAt("192.0.2.3"), 3_000);
});
