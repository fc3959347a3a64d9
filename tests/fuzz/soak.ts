/**
 * A link that lives long under fire: what it holds must not grow with what it was sent.
 *
 * @module
 */
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import type { SocketRole } from "../../lib/core/cloud/signaling.ts";
import { Link } from "../../lib/core/link.ts";
import { seededRandom } from "../../lib/core/random.ts";
import type { Endpoint } from "../../lib/core/types.ts";
import { Chooser } from "../sim/chooser.ts";
import { damaged, forgedSegment, noise } from "../sim/hostile.ts";
import { type NetworkNode, VirtualNetwork } from "../sim/network.ts";
import { echoService, MAIN, SERIAL, SimWorld } from "../sim/sim_world.ts";
import { memoDeriveKey } from "../support/memo_derive_key.ts";

const SOCKETS: readonly SocketRole[] = ["main", "us", "device"];
const STRANGERS: readonly Endpoint[] = [
  { ip: "198.18.0.1", port: 1 },
  { ...MAIN, port: MAIN.port + 1 },
];
const CLIENT_IP = "203.0.113.10";
/** Datagrams to the client that the attack is made of. */
const MAX_SEEN = 200;

/** One attack, to be continued as long as one likes. */
export class Soak {
  readonly #choose = new Chooser(11);
  readonly #seen: { readonly from: Endpoint; readonly data: Uint8Array }[] = [];
  readonly #net: VirtualNetwork;
  readonly #world: SimWorld;
  #link!: Link;
  #node: NetworkNode | undefined;
  #links = 0;

  constructor() {
    this.#net = new VirtualNetwork({
      seed: 11,
      link: { latencyMs: 5 },
      onDatagram: ({ to, source, data, fate }) => {
        if (to.ip !== CLIENT_IP || fate !== "delivered" || this.#seen.length >= MAX_SEEN) return;
        this.#seen.push({ from: source, data: data.slice() });
      },
    });
    this.#world = new SimWorld(this.#net, { devices: [{ services: { 80: echoService } }] });
    this.#net.run({ untilMs: this.#net.now + 1_000 });
    this.#renew();
  }

  /** Links used up so far: an attack from the right source may end one. */
  get links(): number {
    return this.#links;
  }

  /** Delivers so many hostile datagrams, a realm echoing beside them. */
  run(datagrams: number): void {
    const choose = this.#choose;
    for (let i = 0; i < datagrams; i++) {
      if (this.#link.state === "closed") this.#renew();
      const { from, data } = choose.of(this.#seen);
      const isStranger = choose.chance(0.7);
      const bytes = choose.chance(0.1)
        ? noise(choose)
        : data.length >= 24 && choose.chance(0.2)
        ? forgedSegment(data, choose)
        : damaged(data, choose);
      this.#node!.deliver({
        socket: choose.of(SOCKETS),
        from: isStranger ? choose.of(STRANGERS) : from,
        data: bytes.slice(),
      });
      if (i % 50 === 0) this.#net.run({ untilMs: this.#net.now + 20 });
    }
  }

  /** A link that is ready, in the place of the last one. */
  #renew(): void {
    this.#links++;
    this.#node?.detach();
    const base = 40_000 + 3 * (this.#links % 8_000);
    const at = (offset: number): Endpoint => ({ ip: CLIENT_IP, port: base + offset });
    const link = new Link({
      serial: SERIAL,
      dialect: SMARTPSS,
      servers: [MAIN],
      localPort: base + 2,
      environment: {
        random: seededRandom(this.#links),
        unixTimeMs: this.#world.unixTimeMs,
        deriveKey: memoDeriveKey,
      },
    });
    this.#link = link;
    this.#node = this.#net.attach({
      name: "client",
      machine: link,
      addresses: { main: at(0), us: at(1), device: at(2) },
      onEvent: (event, now) => {
        if (event.type === "ready") link.bind(80, now);
        else if (event.type === "realm-connected") {
          link.write(event.realm, new Uint8Array(50_000), now);
        } else if (event.type === "realm-readable") {
          while (link.read(event.realm, 65_536, now).length > 0);
        }
      },
    });
    this.#node.act((now) => link.start(now));
    this.#net.run({
      untilMs: this.#net.now + 60_000,
      until: () => link.state === "ready" || link.state === "closed",
    });
  }
}
