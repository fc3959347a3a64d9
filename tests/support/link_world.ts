/**
 * A simulated cloud, relay and device, and a link of ours, in virtual time.
 *
 * @module
 */
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { Link } from "../../lib/core/link.ts";
import type { LinkEvent, LinkSettings } from "../../lib/core/link_options.ts";
import { seededRandom } from "../../lib/core/random.ts";
import type { RealmId } from "../../lib/core/realm/multiplexer.ts";
import type { Endpoint, TraceEvent } from "../../lib/core/types.ts";
import type { StreamId } from "../../fixtures/world/device_realm.ts";
import type { Device } from "../../fixtures/world/device.ts";
import type { SessionEvent } from "../../fixtures/world/device_session.ts";
import { type ConnectionId, isTcpEvent, type TcpRequest } from "../../fixtures/world/device_tcp.ts";
import type { CloudProfile, DeviceProfile } from "../../fixtures/world/options.ts";
import { buildWorld, type World } from "../../fixtures/world/world.ts";
import {
  type NetworkNode,
  type NetworkOptions,
  ROUND_TRIP_MS,
  roundTripLink,
  VirtualNetwork,
} from "../sim/network.ts";
import { memoDeriveKey } from "./memo_derive_key.ts";
import { type MemoryConnection, MemoryTcp } from "./memory_tcp.ts";

/** Unix time at virtual 0. */
export const SIMULATED_EPOCH_MS = Date.UTC(2026, 8, 6, 12);

/** What stands behind a port of the simulated device. */
export interface Service {
  /** Bytes the service sends as soon as it is dialled. */
  readonly greeting?: Uint8Array | undefined;
  /** What it answers to bytes that arrive. */
  readonly answer?: ((bytes: Uint8Array) => Uint8Array | undefined) | undefined;
  /** Closes after its greeting. */
  readonly closes?: "after-greeting" | undefined;
}

/** Choices for a {@linkcode LinkWorld}. */
export interface LinkWorldOptions {
  readonly device?: Partial<DeviceProfile> | undefined;
  readonly cloud?: Partial<CloudProfile> | undefined;
  readonly link?: Partial<LinkSettings> | undefined;
  readonly network?: Partial<NetworkOptions> | undefined;
  /** By port of the device; others are refused. */
  readonly services?: ReadonlyMap<number, Service> | undefined;
  /** How far the client's wall clock is ahead of true time. */
  readonly clientClockAheadMs?: number | undefined;
}

const at = (ip: string, port: number): Endpoint => ({ ip, port });

/** Streams of one device, served from memory. */
class MemoryServices {
  readonly received = new Map<number, Uint8Array[]>();
  readonly #ports = new Map<StreamId, number>();
  readonly #backlog = new Map<StreamId, Uint8Array[]>();
  readonly #services: ReadonlyMap<number, Service>;
  readonly #device: Device;

  constructor(device: Device, services: ReadonlyMap<number, Service>) {
    this.#device = device;
    this.#services = services;
  }

  handle(event: SessionEvent, now: number): void {
    switch (event.type) {
      case "dial": {
        const service = this.#services.get(event.port);
        if (!service) return this.#device.refused(event.stream, now);
        this.#ports.set(event.stream, event.port);
        this.#device.connected(event.stream, now);
        if (service.greeting) this.#send(event.stream, service.greeting, now);
        return;
      }
      case "readable": {
        const port = this.#ports.get(event.stream)!;
        for (
          let b = this.#device.read(event.stream, now);
          b;
          b = this.#device.read(event.stream, now)
        ) {
          const all = this.received.get(port) ?? [];
          this.received.set(port, all);
          all.push(b);
          const answer = this.#services.get(port)?.answer?.(b);
          if (answer) this.#send(event.stream, answer, now);
        }
        return;
      }
      case "writable":
        return this.#flush(event.stream, now);
      case "hangup":
        this.#backlog.delete(event.stream);
        return;
    }
  }

  #send(stream: StreamId, bytes: Uint8Array, now: number): void {
    const backlog = this.#backlog.get(stream) ?? [];
    this.#backlog.set(stream, backlog);
    backlog.push(bytes);
    this.#flush(stream, now);
  }

  #flush(stream: StreamId, now: number): void {
    const backlog = this.#backlog.get(stream);
    while (backlog?.length) {
      const taken = this.#device.write(stream, backlog[0]!, now);
      if (taken < backlog[0]!.length) {
        backlog[0] = backlog[0]!.subarray(taken);
        return;
      }
      backlog.shift();
    }
    if (this.#services.get(this.#ports.get(stream)!)?.closes && backlog) {
      this.#backlog.delete(stream);
      this.#device.end(stream, now);
    }
  }
}

/** Does what a machine asks about one of its TCP connections. */
function obey(connection: MemoryConnection | undefined, type: TcpRequest["type"]): void {
  if (type === "tcp-output") connection?.output();
  else if (type === "tcp-resume") connection?.resume();
  else connection?.close();
}

/** Where the agent of TCP relays listens. */
export const TCP_AGENT: Endpoint = { ip: "192.0.2.12", port: 31500 };

/** Half a round trip over TCP, each of the two ways from an end to the agent. */
const TCP_LATENCY_MS = ROUND_TRIP_MS / 2;

/** The world and one link. */
export class LinkWorld {
  readonly network: VirtualNetwork;
  readonly world: World;
  readonly device: Device;
  readonly services: MemoryServices;
  readonly link: Link;
  readonly client: NetworkNode;
  readonly deviceNode: NetworkNode;
  readonly tcpAgentNode: NetworkNode;
  readonly tcp: MemoryTcp;
  /** The link's own TCP connection, once it wanted one. */
  tcpConnection: MemoryConnection | undefined;
  readonly events: LinkEvent[] = [];
  readonly traces: TraceEvent[] = [];
  /** When the link was started. */
  readonly startedAt: number;
  /** Bytes that came out of each realm. */
  readonly received = new Map<RealmId, Uint8Array[]>();

  constructor(options: LinkWorldOptions = {}) {
    const network = new VirtualNetwork({
      seed: 1,
      link: roundTripLink("client"),
      ...options.network,
    });
    this.network = network;
    const unixTimeMs = (): number => SIMULATED_EPOCH_MS + network.now;
    const places = {
      main: at("192.0.2.80", 8800),
      us: at("192.0.2.80", 8803),
      relay: at("192.0.2.7", 8900),
      agent: new Map([0, 1, 2, 3].map((i) => [`a${i}`, at("192.0.2.11", 31407 + i)])),
      tcpAgent: TCP_AGENT,
      devices: [at("198.51.100.20", 23730)],
    };
    this.world = buildWorld({
      places,
      devices: [options.device ?? {}],
      cloud: options.cloud,
      seed: network.seed,
      unixTimeMs,
      deriveKey: memoDeriveKey,
    });
    const { cloud, relay, agent, devices } = this.world;
    network.attach({
      name: "cloud",
      machine: cloud,
      addresses: { main: places.main, us: places.us },
    });
    network.attach({ name: "relay", machine: relay, addresses: { relay: places.relay } });
    network.attach({ name: "agent", machine: agent, addresses: Object.fromEntries(places.agent) });
    this.tcp = new MemoryTcp(network, TCP_LATENCY_MS);
    this.tcpAgentNode = this.#startTcpAgent();
    this.device = [...devices.values()][0]!;
    const ofDevice = new Map<ConnectionId, MemoryConnection>();
    this.services = new MemoryServices(this.device, options.services ?? new Map());
    this.deviceNode = network.attach({
      name: "device",
      machine: this.device,
      addresses: { device: places.devices[0]! },
      onEvent: (event, now) => {
        if (!isTcpEvent(event)) return this.services.handle(event, now);
        const { device, deviceNode } = this;
        const { connection: id } = event;
        if (event.type !== "tcp-connect") return obey(ofDevice.get(id), event.type);
        const connection = this.tcp.connect(event.endpoint, {
          report: (report) => deviceNode.act((at) => device.tcpReport(id, report, at)),
          take: () => deviceNode.act((at) => device.tcpTake(id, at)),
          isPaused: () => device.isTcpPaused(id),
        });
        ofDevice.set(id, connection);
      },
    });
    this.deviceNode.act((now) => this.device.start(now));
    // It registers before anybody asks for it.
    network.run({ untilMs: network.now + 1_000 });
    this.link = new Link({
      serial: this.device.profile.serial,
      dialect: SMARTPSS,
      servers: [places.main],
      localPort: 40_002,
      environment: {
        random: seededRandom(network.seed + 1000),
        unixTimeMs: () => unixTimeMs() + (options.clientClockAheadMs ?? 0),
        deriveKey: memoDeriveKey,
        trace: (event) => this.traces.push(event),
      },
      ...options.link,
    });
    this.client = network.attach({
      name: "client",
      machine: this.link,
      addresses: {
        main: at("203.0.113.10", 40_000),
        us: at("203.0.113.10", 40_001),
        device: at("203.0.113.10", 40_002),
      },
      onEvent: (event, now) => this.#onEvent(event, now),
    });
    this.startedAt = network.now;
    this.client.act((now) => this.link.start(now));
  }

  /** Ms since the start. */
  get elapsedMs(): number {
    return this.network.now - this.startedAt;
  }

  /** Runs until the link is ready or closed, at most for a minute. */
  handshake(): void {
    this.runUntil(() => this.link.state === "ready" || this.link.state === "closed");
  }

  /** Runs until `condition` holds, at most for `limitMs`; says whether it does. */
  runUntil(condition: () => boolean, limitMs = 60_000): boolean {
    return this.network.run({ untilMs: this.network.now + limitMs, until: condition }) ===
      "condition";
  }

  /** Runs for a time. */
  runFor(ms: number): void {
    this.network.run({ untilMs: this.network.now + ms });
  }

  /** Opens a realm and waits for the answer. */
  connect(port: number): RealmId {
    const realm = this.client.act((now) => this.link.bind(port, now));
    this.runUntil(() =>
      this.events.some((e) =>
        "realm" in e && e.realm === realm &&
        (e.type === "realm-connected" || e.type === "realm-refused" || e.type === "realm-closed")
      )
    );
    return realm;
  }

  /** The first event of a type. */
  event<T extends LinkEvent["type"]>(type: T): Extract<LinkEvent, { type: T }> | undefined {
    return this.events.find((e): e is Extract<LinkEvent, { type: T }> => e.type === type);
  }

  /** All bytes of a realm so far. */
  bytes(realm: RealmId): Uint8Array {
    const chunks = this.received.get(realm) ?? [];
    const all = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
    let offset = 0;
    for (const chunk of chunks) {
      all.set(chunk, offset);
      offset += chunk.length;
    }
    return all;
  }

  #startTcpAgent(): NetworkNode {
    const { tcpAgent: machine } = this.world;
    const connections = new Map<ConnectionId, MemoryConnection>();
    const node = this.network.attach({
      name: "tcp-agent",
      machine,
      addresses: {},
      onEvent: ({ connection, type }) => obey(connections.get(connection), type),
    });
    this.tcp.listen(TCP_AGENT, (accepted) => {
      const id = connections.size + 1;
      const connection = accepted({
        report: (report) => node.act((now) => machine.report(id, report, now)),
        take: () => node.act((now) => machine.take(id, now)),
        isPaused: () => machine.isPaused(id),
      });
      connections.set(id, connection);
    });
    return node;
  }

  #connectTcp(endpoint: Endpoint): MemoryConnection {
    const { client, link } = this;
    return this.tcp.connect(endpoint, {
      report: (report) => client.act((now) => link.handleStream(report, now)),
      take: () => client.act((now) => link.pollStream(now)),
      isPaused: () => link.isStreamPaused,
    });
  }

  #onEvent(event: LinkEvent, now: number): void {
    this.events.push(event);
    if (event.type === "tcp-connect") this.tcpConnection = this.#connectTcp(event.endpoint);
    else if (event.type.startsWith("tcp-")) {
      obey(this.tcpConnection, event.type as TcpRequest["type"]);
    }
    if (event.type !== "realm-readable") return;
    const chunks = this.received.get(event.realm) ?? [];
    this.received.set(event.realm, chunks);
    for (;;) {
      const more = this.link.read(event.realm, 1 << 20, now);
      if (more.length === 0) return;
      chunks.push(...more);
    }
  }
}
