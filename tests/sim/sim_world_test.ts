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

/** The path that a link takes through these two NATs. */
function pathThrough({ mapping, filtering }: Nats): string {
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
  net.run({ untilMs: net.now + 20_000, until: () => link.state === "ready" });
  node.act((now) => link.bind(554, now));
  net.run({ untilMs: net.now + 5_000, until: () => has("realm-connected") });
  assert(has("realm-connected"), "a realm opens on whatever path it is");
  return link.path!;
}

const NEVER: Dependence = "address-and-port-dependent";

/** Where the port that one side maps for the other is not the one the cloud saw. */
const MAPPINGS: readonly (readonly [Dependence, Dependence])[] = [
  ["endpoint-independent", "endpoint-independent"],
  ["address-and-port-dependent", "endpoint-independent"],
  ["endpoint-independent", "address-and-port-dependent"],
];

for (const mapping of MAPPINGS) {
  Deno.test(`through ${mapping[0]} (client) and ${mapping[1]} (device) mapping the path is direct where it can be`, () => {
    for (const ofClient of DEPENDENCES) {
      for (const ofDevice of DEPENDENCES) {
        // A side that maps anew is let in unless the other insists on the port it was told.
        const isPossible = !(mapping[0] === NEVER && ofDevice === NEVER) &&
          !(mapping[1] === NEVER && ofClient === NEVER);
        const path = pathThrough({ mapping, filtering: [ofClient, ofDevice] });
        assertEquals(path, isPossible ? "direct" : "relay", `${ofClient}, ${ofDevice}`);
      }
    }
  });
}

Deno.test("through two symmetric NATs the relay carries the link", () => {
  assertEquals(pathThrough({ mapping: [NEVER, NEVER], filtering: [NEVER, NEVER] }), "relay");
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
