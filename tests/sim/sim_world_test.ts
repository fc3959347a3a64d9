import { assert, assertEquals } from "@std/assert";
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { Link } from "../../lib/core/link.ts";
import type { LinkEvent, LinkSettings } from "../../lib/core/link_options.ts";
import { seededRandom } from "../../lib/core/random.ts";
import { memoDeriveKey } from "../support/memo_derive_key.ts";
import { type Dependence, DEPENDENCES, Nat } from "./nat.ts";
import { type NetworkNode, VirtualNetwork } from "./network.ts";
import { DEVICE_PUBLIC, echoService, MAIN, SERIAL, SimWorld } from "./sim_world.ts";

interface Client {
  readonly link: Link;
  readonly node: NetworkNode;
  readonly events: LinkEvent[];
}

function client(
  net: VirtualNetwork,
  world: SimWorld,
  options: { readonly nat?: Nat; readonly ip?: string } & Partial<LinkSettings> = {},
): Client {
  const { nat, ip = nat ? "10.0.0.5" : "203.0.113.10", ...settings } = options;
  const events: LinkEvent[] = [];
  const link = new Link({
    serial: SERIAL,
    dialect: SMARTPSS,
    servers: [MAIN],
    localPort: 59474,
    environment: {
      random: seededRandom(net.seed + 99),
      unixTimeMs: world.unixTimeMs,
      deriveKey: memoDeriveKey,
    },
    ...settings,
  });
  const addresses = {
    main: { ip, port: 59472 },
    us: { ip, port: 59473 },
    device: { ip, port: 59474 },
  };
  const onEvent = (event: LinkEvent): void => void events.push(event);
  const node = net.attach({ name: `client ${ip}`, machine: link, addresses, nat, onEvent });
  node.act((now) => link.start(now));
  return { link, node, events };
}

interface Nats {
  readonly mapping: readonly [client: Dependence, device: Dependence];
  readonly filtering: readonly [client: Dependence, device: Dependence];
}

/** How a link fares between these two NATs. */
interface Passage {
  readonly path: string;
  /** From the device's answer until the path was known not to be direct; nothing when it is. */
  readonly knownAfterMs: number | undefined;
}

function passageThrough({ mapping, filtering }: Nats): Passage {
  const net = new VirtualNetwork({ seed: 1, link: { latencyMs: 15 } });
  const devices = new Nat({
    name: "device's NAT",
    publicIp: DEVICE_PUBLIC.ip,
    mapping: mapping[1],
    filtering: filtering[1],
  });
  const clients = new Nat({
    name: "client's NAT",
    publicIp: "203.0.113.10",
    mapping: mapping[0],
    filtering: filtering[0],
  });
  const world = new SimWorld(net, {
    devices: [{ nat: devices, services: { 554: echoService } }],
  });
  net.run({ untilMs: net.now + 500 });
  const { link, node, events } = client(net, world, { nat: clients });
  const has = (type: LinkEvent["type"]): boolean => events.some((event) => event.type === type);
  net.run({ untilMs: net.now + 20_000, until: () => has("device") });
  const answeredAt = net.now;
  net.run({ untilMs: net.now + 20_000, until: () => has("warning") || link.state === "ready" });
  const knownAfterMs = has("warning") ? net.now - answeredAt : undefined;
  net.run({ untilMs: net.now + 20_000, until: () => link.state === "ready" });
  node.act((now) => link.bind(554, now));
  net.run({ untilMs: net.now + 5_000, until: () => has("realm-connected") });
  assert(has("realm-connected"), "a realm opens on whatever path it is");
  return { path: link.path!, knownAfterMs };
}

const [FREE, ADDRESS, PORT] = DEPENDENCES as readonly [Dependence, Dependence, Dependence];

/**
 * `d` where the path is direct, `r` where the relay carries it. Columns: the device's mapping; in
 * each, rows of our filtering by letters of the device's, from the laxest to the strictest.
 *
 * One moving port is no harm unless the other side insists on the port it was told. Two are: an
 * answer from elsewhere than we asked counts for nothing (PROTOCOL.md section 9, "punch"), so that
 * the device must find us by itself, and keep the port it does so from.
 */
const OUTCOMES: readonly (readonly [ofClient: Dependence, ofDevice: Dependence, string])[] = [
  [FREE, FREE, "ddd ddd ddd"],
  [FREE, ADDRESS, "ddd ddd rrr"],
  [FREE, PORT, "ddd ddd rrr"],
  [ADDRESS, FREE, "ddr ddr ddr"],
  [PORT, FREE, "ddr ddr ddr"],
  [ADDRESS, ADDRESS, "ddr rrr rrr"],
  [PORT, ADDRESS, "ddr rrr rrr"],
  [ADDRESS, PORT, "rrr rrr rrr"],
  [PORT, PORT, "rrr rrr rrr"],
];

for (const [ofClient, ofDevice, outcomes] of OUTCOMES) {
  Deno.test(`with ${ofClient} mapping here and ${ofDevice} there the path is direct where it can be, else known not to be in 3 s`, () => {
    const rows = outcomes.split(" ");
    for (const [i, client] of DEPENDENCES.entries()) {
      for (const [j, device] of DEPENDENCES.entries()) {
        const nats = { mapping: [ofClient, ofDevice], filtering: [client, device] } as const;
        const { path, knownAfterMs } = passageThrough(nats);
        const what = `filtering ${client}, ${device}`;
        assertEquals(path, rows[i]![j] === "d" ? "direct" : "relay", what);
        if (path === "direct") assertEquals(knownAfterMs, undefined, what);
        else assert(knownAfterMs! <= 3_000, `${what}: ${knownAfterMs} ms`);
      }
    }
  });
}

Deno.test("with --path direct a link that cannot be direct says so within 3 s of the device's answer", () => {
  const strict = { mapping: PORT, filtering: PORT };
  const net = new VirtualNetwork({ seed: 1, link: { latencyMs: 15 } });
  const devices = new Nat({ name: "device's NAT", publicIp: DEVICE_PUBLIC.ip, ...strict });
  const clients = new Nat({ name: "client's NAT", publicIp: "203.0.113.10", ...strict });
  const world = new SimWorld(net, { devices: [{ nat: devices }] });
  net.run({ untilMs: net.now + 500 });
  const { link, events } = client(net, world, { nat: clients, path: "direct" });
  net.run({ untilMs: net.now + 20_000, until: () => events.some((e) => e.type === "device") });
  const answeredAt = net.now;
  net.run({ untilMs: net.now + 20_000, until: () => link.state === "closed" });
  const closed = events.find((event) => event.type === "closed");
  assertEquals(closed?.failure?.reason, "punch-failed");
  // Half a second more is what giving the relay's place back may take.
  assert(net.now - answeredAt <= 3_500, `${net.now - answeredAt} ms`);
  const counters = world.counters;
  net.run({ untilMs: net.now + 1_000 });
  assertEquals(counters.openLeases, 0);
});

Deno.test("a link lost to a reboot is found again by the next one", () => {
  const net = new VirtualNetwork({ seed: 2, link: { latencyMs: 10 } });
  const world = new SimWorld(net, { devices: [{ services: { 554: echoService } }] });
  net.run({ untilMs: net.now + 500 });
  const first = client(net, world);
  net.run({ untilMs: net.now + 10_000, until: () => first.link.state === "ready" });
  world.reboot();
  net.run({ untilMs: net.now + 60_000, until: () => first.link.state === "closed" });
  assertEquals(first.link.state, "closed");
  const second = client(net, world, { ip: "203.0.113.11" });
  net.run({ untilMs: net.now + 10_000, until: () => second.link.state === "ready" });
  assertEquals(second.link.state, "ready");
  assertEquals(world.counters.reboots, 1);
});

Deno.test("three hundred devices register and stay online, and the same seed gives the same run", () => {
  const run = (): [number, number, number] => {
    const net = new VirtualNetwork({
      seed: 3,
      link: { latencyMs: 20, jitterMs: 10, lossRate: 0.01 },
    });
    const devices = Array.from({ length: 300 }, (_, i) => ({ serial: `FLEET${10_000 + i}` }));
    const world = new SimWorld(net, { devices });
    net.run({ untilMs: net.now + 60_000 });
    const { link } = client(net, world, { serial: "FLEET10299" });
    net.run({ untilMs: net.now + 20_000, until: () => link.state === "ready" });
    assertEquals(link.state, "ready");
    return [net.steps, net.now, net.fates.lost];
  };
  assertEquals(run(), run());
});
