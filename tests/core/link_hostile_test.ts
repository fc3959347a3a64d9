import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import type { SocketRole } from "../../lib/core/cloud/signaling.ts";
import { isStun } from "../../lib/core/punch/stun.ts";
import type { Endpoint } from "../../lib/core/types.ts";
import { Chooser } from "../sim/chooser.ts";
import { damaged, forgedSegment, noise } from "../sim/hostile.ts";
import type { Sighting } from "../sim/network.ts";
import { LinkWorld, type LinkWorldOptions } from "../support/link_world.ts";

const CREDENTIALS = { username: "admin", password: "admin123" };
const GREETING = Uint8Array.from({ length: 5_000 }, (_, i) => i * 7);
const SOCKETS: readonly SocketRole[] = ["main", "us", "device"];
const STRANGER: Endpoint = { ip: "198.18.0.9", port: 4321 };

/** How far a link has come when the attack begins. */
interface Phase {
  readonly name: string;
  readonly reach: (w: LinkWorld) => void;
}

const PHASES: readonly Phase[] = [
  ...[0, 60, 110, 160, 210, 260, 310, 410, 510, 710].map((ms) => ({
    name: `${ms} ms after the start`,
    reach: (w: LinkWorld): void => w.runFor(ms),
  })),
  { name: "ready", reach: (w) => w.handshake() },
  {
    name: "ready, with a realm",
    reach: (w): void => {
      w.handshake();
      w.connect(80);
    },
  },
  {
    name: "ending",
    reach: (w): void => {
      w.handshake();
      w.connect(80);
      w.client.act((now) => w.link.stop(now));
    },
  },
  {
    name: "closed",
    reach: (w): void => {
      w.client.act((now) => w.link.stop(now));
      w.runFor(10_000);
    },
  },
];

/** A world whose datagrams to the client are remembered. */
function observed(options: LinkWorldOptions = {}): { w: LinkWorld; seen: Sighting[] } {
  const seen: Sighting[] = [];
  const w = new LinkWorld({
    device: { authType: 1, sign: "required" },
    services: new Map([[80, { greeting: GREETING }]]),
    ...options,
    link: { credentials: CREDENTIALS, ...options.link },
    network: {
      onDatagram: (sighting) => {
        if (sighting.to.ip === "203.0.113.10" && sighting.fate === "delivered") seen.push(sighting);
      },
      ...options.network,
    },
  });
  return { w, seen };
}

/** Every datagram that a whole session with a transfer brings. */
function wholeSession(): readonly Sighting[] {
  const { w, seen } = observed();
  w.handshake();
  w.connect(80);
  w.runFor(1_000);
  w.client.act((now) => w.link.stop(now));
  w.runFor(5_000);
  assertEquals(w.link.state, "closed");
  return seen;
}

const SESSION = wholeSession();

function hostileBytes(choose: Chooser, pool: readonly Sighting[]): Uint8Array {
  const { data } = choose.of(pool);
  const kind = choose.of(["noise", "damaged", "damaged", "damaged", "verbatim", "forged"]);
  if (kind === "noise") return noise(choose);
  if (kind === "verbatim") return data.slice();
  if (kind === "forged" && data.length >= 24) return forgedSegment(data, choose);
  return damaged(data, choose);
}

for (const { name, reach } of PHASES) {
  Deno.test(`whatever comes from the right sources while ${name}, a link goes on or ends`, () => {
    for (let seed = 0; seed < 12; seed++) {
      const choose = new Chooser(seed * 100 + name.length);
      const { w, seen } = observed({ network: { seed: seed + 1 } });
      reach(w);
      const pool = [...SESSION, ...seen, ...seen];
      const sources = pool.map(({ source }) => source);
      for (let i = 0; i < 60; i++) {
        const data = hostileBytes(choose, pool);
        w.client.deliver({ socket: choose.of(SOCKETS), from: choose.of(sources), data });
        if (i % 5 === 0) w.runFor(choose.of([1, 30, 200]));
      }
      // Nothing the peer can say leaves a handshake or an end without an end.
      w.runUntil(() => w.link.state === "ready" || w.link.state === "closed");
      assert(w.link.state === "ready" || w.link.state === "closed", `seed ${seed}`);
      w.client.act((now) => w.link.stop(now));
      w.runFor(5_000);
      assertEquals(w.link.state, "closed", `seed ${seed}`);
      assertEquals(w.link.pollDeadline(), undefined);
      assertEquals(w.events.filter(({ type }) => type === "closed").length, 1);
    }
  });
}

Deno.test("whatever a stranger sends, the handshake and the bytes are the same", () => {
  // A stranger with the device's Identify is the device, as far as anybody can know.
  const pool = SESSION.filter(({ data }) => !isStun(data));
  for (let seed = 0; seed < 30; seed++) {
    const choose = new Chooser(seed);
    const { w, seen } = observed({ network: { seed: seed + 1 } });
    const attack = (): void => {
      const known = seen.filter(({ data }) => !isStun(data));
      const data = hostileBytes(choose, [...pool, ...known, ...known]);
      w.client.deliver({ socket: choose.of(SOCKETS), from: STRANGER, data });
      w.network.schedule(w.network.now + 5, attack);
    };
    attack();
    w.handshake();
    assertEquals(w.link.path, "direct", `seed ${seed}`);
    const realm = w.connect(80);
    w.runUntil(() => w.bytes(realm).length >= GREETING.length, 2_000);
    assertEquals(w.bytes(realm), GREETING, `seed ${seed}`);
  }
});

Deno.test("a flood is answered with no more datagrams than it has", () => {
  for (const from of [STRANGER, SESSION[0]!.source, SESSION.at(-1)!.source]) {
    const sent = { count: 0 };
    const { w } = observed({
      network: {
        onDatagram: (sighting) => {
          if (sighting.from === "client") sent.count++;
        },
      },
    });
    w.handshake();
    w.connect(80);
    w.runFor(1_000);
    const choose = new Chooser(5);
    const before = sent.count;
    for (let i = 0; i < 5_000; i++) {
      w.client.deliver({ socket: choose.of(SOCKETS), from, data: hostileBytes(choose, SESSION) });
    }
    assertLessOrEqual(sent.count - before, 5_000 + 100);
  }
});
