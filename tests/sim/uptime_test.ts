/**
 * A device kept reachable for thirty days of virtual time, in which something breaks every few hours.
 */
import { assert, assertEquals } from "@std/assert";
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { LIVENESS_DEFAULTS } from "../../lib/core/liveness.ts";
import { seededRandom } from "../../lib/core/random.ts";
import type { DeviceProfile } from "../../fixtures/world/options.ts";
import { memoDeriveKey } from "../support/memo_derive_key.ts";
import { KeptLink } from "./kept_link.ts";
import { Nat } from "./nat.ts";
import { type NetworkNode, VirtualNetwork } from "./network.ts";
import { DEVICE_PUBLIC, echoService, MAIN, SERIAL, SimWorld } from "./sim_world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * After whatever was broken works again, a session is back within this: the device is known to be
 * online (30 s here), an attempt under way fails (30 s), the longest wait (60 s), and the handshake.
 */
const BACK_WITHIN_MS = 130_000;

/** What can break, and for how long; what is over at once has no duration. */
type Trouble =
  | { readonly type: "reboot" | "client-nat" | "device-nat" }
  | { readonly type: "cloud" | "relay" | "agent" | "device" | "line"; readonly forMs: number };

interface Kept {
  readonly net: VirtualNetwork;
  readonly world: SimWorld;
  readonly kept: KeptLink;
  readonly node: NetworkNode;
  readonly clientNat: Nat;
  readonly deviceNat: Nat;
  readonly reasons: Record<string, number>;
  /** Puts trouble in; resolved by running the network. */
  strike(trouble: Trouble): void;
}

function keep(seed: number, device: Partial<DeviceProfile>, path: "auto" | "relay"): Kept {
  let isLineDown = false;
  const net = new VirtualNetwork({
    seed,
    link: (from, to) => ({
      latencyMs: 20,
      lossRate: isLineDown && (from === "client" || to === "client-nat") ? 1 : 0,
    }),
  });
  const clientNat = new Nat({
    name: "client-nat",
    publicIp: "203.0.113.10",
    mapping: "endpoint-independent",
    filtering: "address-and-port-dependent",
  });
  const deviceNat = new Nat({
    name: "device-nat",
    publicIp: DEVICE_PUBLIC.ip,
    mapping: "endpoint-independent",
    filtering: "address-and-port-dependent",
  });
  const world = new SimWorld(net, {
    devices: [{
      ...device,
      nat: deviceNat,
      services: { 554: echoService },
      // Fewer datagrams: thirty days are long.
      heartbeatIntervalMs: 24_000,
      registerIntervalMs: 30_000,
    }],
    cloud: { registrationLifetimeMs: 70_000 },
  });
  const sockets = (
    attempt: number,
  ): Record<"main" | "us" | "device", { ip: string; port: number }> => {
    const port = 50_000 + 3 * attempt % 9_000;
    const ip = "10.0.0.5";
    return { main: { ip, port }, us: { ip, port: port + 1 }, device: { ip, port: port + 2 } };
  };
  const reasons: Record<string, number> = {};
  const kept = new KeptLink(seededRandom(seed + 8), (attempt, sign) => {
    const addresses = sockets(attempt);
    node.readdress(addresses);
    return {
      serial: SERIAL,
      dialect: SMARTPSS,
      path,
      sign,
      credentials: { username: "admin", password: "admin123" },
      servers: [MAIN],
      localPort: addresses.device.port,
      heartbeatIntervalMs: 24_000,
      liveness: { ...LIVENESS_DEFAULTS, repunchAfterMs: 26_000 },
      environment: {
        random: seededRandom(seed + 100 + attempt),
        unixTimeMs: world.unixTimeMs,
        deriveKey: memoDeriveKey,
      },
    };
  });
  const node = net.attach({
    name: "client",
    machine: kept,
    addresses: sockets(0),
    nat: clientNat,
    onEvent: (event) => {
      if (event.type !== "down") return;
      const reason = event.failure?.reason ?? "clean";
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    },
  });
  const strike = (trouble: Trouble): void => {
    const later = (ms: number, undo: () => void): void => net.schedule(net.now + ms, undo);
    switch (trouble.type) {
      case "reboot":
        return world.reboot();
      case "client-nat":
        return clientNat.restart();
      case "device-nat":
        return deviceNat.restart();
      case "line":
        isLineDown = true;
        return later(trouble.forMs, () => isLineDown = false);
      case "device":
        world.stop({ device: SERIAL });
        return later(trouble.forMs, () => world.start({ device: SERIAL }));
      default: {
        const part = trouble.type;
        world.stop(part);
        return later(trouble.forMs, () => world.start(part));
      }
    }
  };
  net.run({ untilMs: net.now + 1_000 });
  node.act((now) => kept.start(now));
  return { net, world, kept, node, clientNat, deviceNat, reasons, strike };
}

/** Whether a session is up and the device carries bytes through it. */
function isUp({ kept }: Kept): boolean {
  return kept.state === "up" && kept.link?.state === "ready";
}

/** Runs until a session is up again; how long that took. */
function back(stage: Kept): number {
  const from = stage.net.now;
  stage.net.run({ untilMs: from + HOUR_MS, until: () => isUp(stage) });
  return stage.net.now - from;
}

/** The kinds of trouble in turn, short and long. */
const TROUBLES: readonly Trouble[] = [
  { type: "reboot" },
  { type: "device", forMs: 20 * MINUTE_MS },
  { type: "client-nat" },
  { type: "line", forMs: 40_000 },
  { type: "relay", forMs: 10 * MINUTE_MS },
  { type: "agent", forMs: 3 * MINUTE_MS },
  { type: "device-nat" },
  { type: "cloud", forMs: 30 * MINUTE_MS },
  { type: "device", forMs: 5_000 },
  { type: "line", forMs: 3 * HOUR_MS },
];

for (const [path, days] of [["auto", 30], ["relay", 3]] as const) {
  Deno.test(`${days} days of outages with --path ${path}: always back in time, and nothing left over`, () => {
    const stage = keep(1, { authType: 1 }, path);
    const { net, world, kept, node } = stage;
    assert(back(stage) < 10_000);
    const { counters } = world;
    const endAt = net.now + days * DAY_MS;
    let worstMs = 0;
    let outages = 0;
    for (; net.now < endAt; outages++) {
      const trouble = TROUBLES[outages % TROUBLES.length]!;
      net.run({ untilMs: net.now + HOUR_MS + 137 * (outages % 100) });
      assert(isUp(stage), `${trouble.type}: up for an hour`);
      const judged = counters.authTransactions;
      stage.strike(trouble);
      if ("forMs" in trouble) net.run({ untilMs: net.now + trouble.forMs });
      // What was lost in the trouble may not be noticed yet: first the patience of a session.
      net.run({ untilMs: net.now + 31_000, until: () => !isUp(stage) });
      const tookMs = back(stage);
      worstMs = Math.max(worstMs, tookMs);
      assert(tookMs <= BACK_WITHIN_MS, `${trouble.type}: back after ${tookMs / 1000}s`);
      // No storm: at most one judged login for each of both channels of an attempt, an attempt a minute.
      const minutes = Math.ceil(("forMs" in trouble ? trouble.forMs : 0) / MINUTE_MS) + 4;
      assert(counters.authTransactions - judged <= 2 * minutes, `${trouble.type}: a login storm`);
    }
    assert(outages > 6 * days, `${outages}`);
    // A link holds a session on each path; by the time it is made anew the lost ones are given up.
    assert(counters.sessionsPeak <= 2, `${counters.sessionsPeak} sessions at once`);
    assert(stage.kept.sessions > 3 * days);
    // At the end everything is given back, but what only its silence frees.
    node.act((now) => kept.stop(now));
    net.run({ untilMs: net.now + 5 * MINUTE_MS });
    assertEquals(kept.state, "ended");
    assertEquals([counters.sessionsOpen, counters.openLeases, counters.realmsOpen], [0, 0, 0]);
    assertEquals(world.openConnections, 0);
  });
}
