import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Datagram, Deadline, Endpoint, Machine, Transmit } from "../../lib/core/types.ts";
import { Heap } from "./heap.ts";
import { type Dependence, DEPENDENCES, Nat, type NatOptions } from "./nat.ts";
import {
  type LinkConditions,
  type NetworkNode,
  ROUND_TRIP_MS,
  roundTripLink,
  VirtualNetwork,
} from "./network.ts";

/** Sends what it is told, answers what begins with `?`, and remembers what came. */
class Host implements Machine<string, "s"> {
  readonly received: { at: number; from: Endpoint; text: string }[] = [];
  readonly out: Transmit<"s">[] = [];
  readonly events: string[] = [];
  wakeAt: number | undefined;
  isStubborn = false;
  wakes = 0;
  readonly buffer = new Uint8Array(64);

  say(to: Endpoint, text: string): void {
    this.out.push({ socket: "s", to, data: new TextEncoder().encode(text) });
  }
  handleDatagram({ from, data }: Datagram<"s">, now: number): void {
    const text = new TextDecoder().decode(data);
    this.received.push({ at: now, from, text });
    if (text.startsWith("?")) this.say(from, `!${text.slice(1)}`);
    this.events.push(text);
  }
  handleTimeout(now: number): void {
    if (this.wakeAt === undefined || now < this.wakeAt) return;
    this.wakes++;
    if (!this.isStubborn) this.wakeAt = undefined;
  }
  pollTransmit(): Transmit<"s"> | undefined {
    const next = this.out.shift();
    if (next === undefined) return undefined;
    // Reuses one buffer, as machines may.
    this.buffer.set(next.data);
    return { ...next, data: this.buffer.subarray(0, next.data.length) };
  }
  pollEvent(): string | undefined {
    return this.events.shift();
  }
  pollDeadline(): Deadline | undefined {
    return this.wakeAt === undefined ? undefined : { at: this.wakeAt, reason: "wake" };
  }
  get texts(): string[] {
    return this.received.map(({ text }) => text);
  }
}

const A: Endpoint = { ip: "192.0.2.1", port: 1000 };
const B: Endpoint = { ip: "192.0.2.2", port: 2000 };

interface Pair {
  readonly net: VirtualNetwork;
  readonly a: Host;
  readonly b: Host;
  readonly nodeA: NetworkNode;
  readonly nodeB: NetworkNode;
}

function pair(link: LinkConditions, seed = 1): Pair {
  const net = new VirtualNetwork({ seed, link });
  const a = new Host();
  const b = new Host();
  const nodeA = net.attach({ name: "a", machine: a, addresses: { s: A } });
  const nodeB = net.attach({ name: "b", machine: b, addresses: { s: B } });
  return { net, a, b, nodeA, nodeB };
}

Deno.test("a datagram takes the latency, an answer as long again", () => {
  const { net, a, b, nodeA } = pair({ latencyMs: 50 });
  const start = net.now;
  nodeA.act(() => a.say(B, "?hello"));
  assertEquals(net.run({ untilMs: start + 1000 }), "idle");
  assertEquals(b.received, [{ at: start + 50, from: A, text: "?hello" }]);
  assertEquals(a.received, [{ at: start + 100, from: B, text: "!hello" }]);
  assertEquals(net.now, start + 1000);
});

Deno.test("a buffer used again does not change what is on its way", () => {
  const { net, a, b, nodeA } = pair({ latencyMs: 5 });
  nodeA.act(() => {
    a.say(B, "one");
    a.say(B, "two");
  });
  net.run({ untilMs: net.now + 100 });
  assertEquals(b.texts, ["one", "two"]);
});

Deno.test("the clock jumps to a deadline and the machine is woken exactly then", () => {
  const { net, a, nodeA } = pair({});
  const due = net.now + 3_600_000;
  nodeA.act(() => a.wakeAt = due);
  net.run({ untilMs: due - 1 });
  assertEquals(a.wakes, 0);
  net.run({ untilMs: due });
  assertEquals(a.wakes, 1);
});

Deno.test("a deadline that moves to a later instant costs no early wake-up", () => {
  const { net, a, nodeA } = pair({});
  nodeA.act(() => a.wakeAt = net.now + 10);
  nodeA.act(() => a.wakeAt = net.now + 20);
  net.run({ untilMs: net.now + 19 });
  assertEquals(a.wakes, 0);
  net.run({ untilMs: net.now + 1 });
  assertEquals(a.wakes, 1);
});

Deno.test("a machine that wants the same instant again and again fails the run with the seed", () => {
  const { net, a, nodeA } = pair({}, 77);
  a.isStubborn = true;
  nodeA.act(() => a.wakeAt = net.now + 10);
  assertThrows(() => net.run({ untilMs: net.now + 100 }), Error, "seed 77");
});

Deno.test("too many steps fail the run", () => {
  const { net, nodeA, a } = pair({ latencyMs: 1 });
  nodeA.act(() => {
    for (let i = 0; i < 10; i++) a.say(B, "x");
  });
  assertThrows(() => net.run({ untilMs: net.now + 100, maxSteps: 5 }), Error, "too many steps");
});

Deno.test("run stops at the condition, not at the end of time", () => {
  const { net, a, b, nodeA } = pair({ latencyMs: 7 });
  const start = net.now;
  nodeA.act(() => a.say(B, "x"));
  const end = net.run({ untilMs: start + 1000, until: () => b.received.length > 0 });
  assertEquals([end, net.now], ["condition", start + 7]);
});

Deno.test("jitter alone delays and never reorders", () => {
  const { net, a, b, nodeA } = pair({ latencyMs: 10, jitterMs: 30 });
  const texts = Array.from({ length: 200 }, (_, i) => `${i}`);
  nodeA.act(() => texts.forEach((text) => a.say(B, text)));
  net.run({ untilMs: net.now + 1000 });
  assertEquals(b.texts, texts);
  assert(new Set(b.received.map(({ at }) => at)).size > 3);
});

Deno.test("loss, duplication and reordering come in about their rates and by the seed alone", () => {
  const arrivals = (seed: number): string[] => {
    const { net, a, b, nodeA } = pair({
      latencyMs: 10,
      lossRate: 0.1,
      duplicationRate: 0.05,
      reorderRate: 0.1,
      reorderDelayMs: 30,
    }, seed);
    for (let i = 0; i < 2000; i++) {
      net.schedule(net.now + i, () => nodeA.act(() => a.say(B, `${i}`)));
    }
    net.run({ untilMs: net.now + 10_000 });
    return b.texts;
  };
  const first = arrivals(5);
  assertEquals(arrivals(5), first);
  assert(arrivals(6).join() !== first.join());
  const distinct = new Set(first).size;
  assert(distinct > 1700 && distinct < 1900, `${distinct} of 2000 arrived`);
  assert(first.length - distinct > 40 && first.length - distinct < 150);
  const overtaken = first.filter((text, i) => i > 0 && Number(text) < Number(first[i - 1]));
  assert(overtaken.length > 50, `${overtaken.length} overtaken`);
});

Deno.test("bursts lose neighbours together", () => {
  const { net, a, b, nodeA } = pair({ burst: { enterRate: 0.01, leaveRate: 0.1 } });
  for (let i = 0; i < 5000; i++) nodeA.act(() => a.say(B, `${i}`));
  net.run({ untilMs: net.now + 10 });
  const lost = 5000 - b.texts.length;
  const gaps = b.texts.filter((text, i) => i > 0 && Number(text) - Number(b.texts[i - 1]) > 1);
  assert(lost > 100 && lost / gaps.length > 4, `${lost} lost in ${gaps.length} gaps`);
  assertEquals(net.fates.burst, lost);
});

Deno.test("a line has a rate and a queue that drops at its tail", () => {
  const { net, a, b, nodeA } = pair({ bytesPerSecond: 1000, queueBytes: 320 });
  const start = net.now;
  nodeA.act(() => {
    // 32 bytes each with the 28 of IP and UDP: ten fit.
    for (let i = 0; i < 15; i++) a.say(B, "four");
  });
  net.run({ untilMs: start + 10_000 });
  assertEquals(b.received.length, 10);
  assertEquals(net.fates["queue-full"], 5);
  assertEquals(Math.round(b.received.at(-1)!.at - start), 320);
});

Deno.test("an IP packet above the MTU is dropped, one of its size is not", () => {
  const { net, a, b, nodeA } = pair({ mtuBytes: 33 });
  nodeA.act(() => {
    a.say(B, "12345");
    a.say(B, "123456");
  });
  net.run({ untilMs: net.now + 10 });
  assertEquals(b.texts, ["12345"]);
  assertEquals(net.fates["too-big"], 1);
});

Deno.test("what is on its way to a node that leaves is dropped, and a new one may take its address", () => {
  const { net, a, b, nodeA, nodeB } = pair({ latencyMs: 10 });
  nodeA.act(() => a.say(B, "x"));
  nodeB.detach();
  net.run({ untilMs: net.now + 100 });
  assertEquals(b.received, []);
  assertEquals(net.fates["node-gone"], 1);
  const next = new Host();
  net.attach({ name: "b", machine: next, addresses: { s: B } });
  nodeA.act(() => a.say(B, "y"));
  net.run({ untilMs: net.now + 100 });
  assertEquals(next.texts, ["y"]);
});

Deno.test("the round trip rule counts the named client's way only", () => {
  const net = new VirtualNetwork({ seed: 1, link: roundTripLink("a") });
  const [a, b, c] = [new Host(), new Host(), new Host()];
  const C: Endpoint = { ip: "192.0.2.3", port: 3000 };
  const nodeA = net.attach({ name: "a", machine: a, addresses: { s: A } });
  const nodeB = net.attach({
    name: "b",
    machine: b,
    addresses: { s: B },
    onEvent: (text) => {
      if (text === "ask") b.say(C, "?c");
      if (text === "!c") b.say(A, "done");
    },
  });
  net.attach({ name: "c", machine: c, addresses: { s: C } });
  const start = net.now;
  nodeA.act(() => a.say(B, "ask"));
  nodeB.act(() => {});
  net.run({ untilMs: start + 1000, until: () => a.received.length > 0 });
  assertEquals((net.now - start) / ROUND_TRIP_MS, 1);
});

interface Behind {
  readonly net: VirtualNetwork;
  readonly nat: Nat;
  /** Where the inside host seems to be, as that host sees it. */
  readonly seenFrom: (name: string) => Endpoint;
  /** Whether a datagram of that host to that address gets in. */
  readonly getsIn: (name: string, to: Endpoint) => boolean;
}

/** A client behind a NAT that sends to two servers on one host and one on another. */
function behind(options: Partial<NatOptions>): Behind {
  const net = new VirtualNetwork({ seed: 1 });
  const nat = new Nat({ name: "nat", publicIp: "203.0.113.10", ...options });
  const inside = new Host();
  const hosts = new Map<string, { host: Host; at: Endpoint; act: (f: () => void) => void }>();
  for (
    const [name, at] of Object.entries({
      p: { ip: "192.0.2.1", port: 1 },
      p2: { ip: "192.0.2.1", port: 2 },
      q: { ip: "192.0.2.2", port: 1 },
    })
  ) {
    const host = new Host();
    const node = net.attach({ name, machine: host, addresses: { s: at } });
    hosts.set(name, { host, at, act: (f) => node.act(f) });
  }
  const node = net.attach({
    name: "inside",
    machine: inside,
    addresses: { s: { ip: "10.0.0.5", port: 5000 } },
    nat,
  });
  const settle = (): void => void net.run({ untilMs: net.now + 1 });
  const seenFrom = (name: string): Endpoint => {
    node.act(() => inside.say(hosts.get(name)!.at, "hi"));
    settle();
    return hosts.get(name)!.host.received.at(-1)!.from;
  };
  const getsIn = (name: string, to: Endpoint): boolean => {
    const before = inside.received.length;
    hosts.get(name)!.act(() => hosts.get(name)!.host.say(to, "in"));
    settle();
    return inside.received.length > before;
  };
  return { net, nat, seenFrom, getsIn };
}

const MAPPING_PORTS: Record<Dependence, [number, number]> = {
  "endpoint-independent": [1, 1],
  "address-dependent": [1, 2],
  "address-and-port-dependent": [2, 2],
};

for (const mapping of DEPENDENCES) {
  Deno.test(`${mapping} mapping gives as many public ports as it should`, () => {
    const { seenFrom } = behind({ mapping });
    const p = seenFrom("p");
    assertEquals(p, { ip: "203.0.113.10", port: 5000 });
    const onePort = new Set([p.port, seenFrom("p2").port]).size;
    const oneHost = new Set([p.port, seenFrom("q").port]).size;
    assertEquals([onePort, oneHost], MAPPING_PORTS[mapping]);
    assertEquals(seenFrom("p"), p, "a mapping lasts");
  });
}

const LETS_IN: Record<Dependence, [p: boolean, p2: boolean, q: boolean]> = {
  "endpoint-independent": [true, true, true],
  "address-dependent": [true, true, false],
  "address-and-port-dependent": [true, false, false],
};

for (const filtering of DEPENDENCES) {
  Deno.test(`${filtering} filtering lets in whom it should`, () => {
    const { seenFrom, getsIn } = behind({ filtering });
    const mapped = seenFrom("p");
    assertEquals(
      [getsIn("p", mapped), getsIn("p2", mapped), getsIn("q", mapped)],
      LETS_IN[filtering],
    );
  });
}

Deno.test("nobody gets in to a port that nothing was sent from", () => {
  const { getsIn } = behind({ filtering: "endpoint-independent" });
  assertEquals(getsIn("p", { ip: "203.0.113.10", port: 5000 }), false);
});

Deno.test("a mapping expires without outbound traffic and is held by it", () => {
  const { net, seenFrom, getsIn } = behind({ expiryMs: 1000 });
  const mapped = seenFrom("p");
  net.run({ untilMs: net.now + 900 });
  assert(getsIn("p", mapped));
  net.run({ untilMs: net.now + 900 });
  assertEquals(getsIn("p", mapped), false, "inbound traffic alone does not hold it");
  assertEquals(seenFrom("p"), mapped);
  net.run({ untilMs: net.now + 900 });
  seenFrom("p");
  net.run({ untilMs: net.now + 900 });
  assert(getsIn("p", mapped));
});

Deno.test("a NAT that counts inbound traffic holds a mapping by it", () => {
  const { net, seenFrom, getsIn } = behind({ expiryMs: 1000, refreshedBy: "both" });
  const mapped = seenFrom("p");
  for (let i = 0; i < 5; i++) {
    net.run({ untilMs: net.now + 900 });
    assert(getsIn("p", mapped));
  }
});

Deno.test("a NAT that restarts forgets, and the next mapping has another port", () => {
  const { nat, seenFrom, getsIn } = behind({});
  const mapped = seenFrom("p");
  nat.restart();
  assertEquals(getsIn("p", mapped), false);
  assert(seenFrom("p").port !== mapped.port);
});

Deno.test("two hosts of one LAN meet inside, and by their public addresses only with hairpinning", () => {
  for (const hairpinning of ["supported", "unsupported"] as const) {
    const net = new VirtualNetwork({ seed: 1 });
    const nat = new Nat({
      name: "nat",
      publicIp: "203.0.113.10",
      filtering: "endpoint-independent",
      hairpinning,
    });
    const [a, b] = [new Host(), new Host()];
    const atA = { ip: "10.0.0.5", port: 5000 };
    const atB = { ip: "10.0.0.6", port: 6000 };
    const nodeA = net.attach({ name: "a", machine: a, addresses: { s: atA }, nat });
    const nodeB = net.attach({ name: "b", machine: b, addresses: { s: atB }, nat });
    nodeB.act(() => b.say({ ip: "198.51.100.99", port: 9 }, "opens a mapping"));
    nodeA.act(() => {
      a.say(atB, "inside");
      a.say({ ip: nat.publicIp, port: 6000 }, "hairpin");
    });
    net.run({ untilMs: net.now + 10 });
    const expected = [{ from: atA, text: "inside" }];
    if (hairpinning === "supported") {
      expected.push({ from: { ip: nat.publicIp, port: 5000 }, text: "hairpin" });
    }
    assertEquals(b.received.map(({ from, text }) => ({ from, text })), expected);
  }
});

Deno.test("a carrier's NAT in front of a home NAT translates twice, both ways", () => {
  const net = new VirtualNetwork({ seed: 1 });
  const outer = new Nat({ name: "cgn", publicIp: "203.0.113.99", ports: "sequential" });
  const inner = new Nat({ name: "home", publicIp: "100.64.0.7", outer });
  const [inside, server] = [new Host(), new Host()];
  const node = net.attach({
    name: "inside",
    machine: inside,
    addresses: { s: { ip: "10.0.0.5", port: 5000 } },
    nat: inner,
  });
  net.attach({ name: "server", machine: server, addresses: { s: B } });
  node.act(() => inside.say(B, "?x"));
  net.run({ untilMs: net.now + 10 });
  assertEquals(server.received[0]!.from, { ip: "203.0.113.99", port: 40_000 });
  assertEquals(inside.texts, ["!x"]);
});

Deno.test("the heap gives items by instant, equals in the order of their coming", () => {
  fc.assert(fc.property(fc.array(fc.nat(20)), (instants) => {
    const heap = new Heap<number>();
    instants.forEach((at, i) => heap.push(at, i));
    const order = instants.map((at, i) => ({ at, i })).sort((x, y) => x.at - y.at || x.i - y.i);
    for (const { at, i } of order) {
      assertEquals(heap.nextAt, at);
      assertEquals(heap.pop(), i);
    }
    assertEquals(heap.pop(), undefined);
  }));
});
