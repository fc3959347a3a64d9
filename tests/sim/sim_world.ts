/**
 * The simulated world inside a virtual network: cloud, relay, agent and devices at the addresses of
 * the recorded log, with services in memory behind the devices' ports.
 *
 * @module
 */
import type { Counters } from "../../fixtures/world/counters.ts";
import type { Device, DeviceEvent } from "../../fixtures/world/device.ts";
import type { StreamId } from "../../fixtures/world/device_realm.ts";
import {
  type CloudProfile,
  cloudProfile,
  type CloudSilence,
  DEFAULT_DEVICE,
  type DeviceProfile,
} from "../../fixtures/world/options.ts";
import { buildWorld, type World, type WorldPlaces } from "../../fixtures/world/world.ts";
import type { Endpoint, Machine } from "../../lib/core/types.ts";
import { memoDeriveKey } from "../support/memo_derive_key.ts";
import type { Nat } from "./nat.ts";
import type { NetworkNode, VirtualNetwork } from "./network.ts";

/** One connection to a service behind a device. */
export interface SimConnection {
  /** Takes bytes of the client. */
  receive(bytes: Uint8Array): void;
  /** The next bytes for the client, at most so many; nothing when there are none for now. */
  produce(maxBytes: number): Uint8Array | undefined;
  /** Whether the service closes once what it produced is sent. */
  readonly isDone: boolean;
  /** Until then it takes no more bytes of the client. */
  readonly pausedUntil?: number | undefined;
  /** The client has hung up, or the session is gone. */
  hangUp?(): void;
}

/** A service behind a port: makes a connection for each client. */
export type SimService = () => SimConnection;

/** A device in the virtual network. */
export interface SimDevice extends Partial<DeviceProfile> {
  /** Its ports; any other is refused. */
  readonly services?: Readonly<Record<number, SimService>> | undefined;
  /** The NAT it is behind; without one its LAN address is public. */
  readonly nat?: Nat | undefined;
}

/** What a simulated world is made of. */
export interface SimWorldOptions {
  readonly devices?: readonly SimDevice[] | undefined;
  readonly cloud?: Partial<CloudProfile> | undefined;
}

/** Parts that can be killed and started again. */
export type SimPart = "cloud" | "relay" | "agent" | { readonly device: string };

/** 2024-06-07T02:31:50Z, when the recorded log began. */
export const EPOCH_MS = Date.UTC(2024, 5, 7, 2, 31, 50);

/** The main server's address. */
export const MAIN: Endpoint = { ip: "192.0.2.80", port: 8800 };
/** The US server's address. */
export const US: Endpoint = { ip: "192.0.2.80", port: 8803 };
/** The relay server's address. */
export const RELAY: Endpoint = { ip: "192.0.2.7", port: 8900 };
/** The first socket of the agent. */
export const AGENT: Endpoint = { ip: "192.0.2.11", port: 31407 };
/** The address of a device behind a NAT. */
export const DEVICE_LAN: Endpoint = { ip: "192.168.1.108", port: 23730 };
/** The address of the first device, and of its NAT when it has one. */
export const DEVICE_PUBLIC: Endpoint = { ip: "198.51.100.20", port: 23730 };

/** Puts a world into `net` and starts its devices. Let some time pass before they are registered. */
export class SimWorld {
  readonly places: WorldPlaces;
  readonly #net: VirtualNetwork;
  readonly #world: World;
  readonly #nodes = new Map<string, NetworkNode>();
  readonly #devices: readonly SimDevice[];
  readonly #connections = new Map<string, Pump>();
  readonly #startedAt: number;

  constructor(net: VirtualNetwork, options: SimWorldOptions = {}) {
    this.#net = net;
    this.#startedAt = net.now;
    this.#devices = options.devices ?? [{}];
    const sockets = cloudProfile(options.cloud).agentSockets;
    this.places = {
      main: MAIN,
      us: US,
      relay: RELAY,
      agent: new Map(
        Array.from({ length: sockets }, (_, i) => [`a${i}`, { ...AGENT, port: AGENT.port + i }]),
      ),
      devices: this.#devices.map(({ nat }, i) =>
        nat !== undefined ? DEVICE_LAN : {
          ip: `198.51.${100 + (i >> 7)}.${20 + (i & 127)}`,
          port: DEVICE_PUBLIC.port,
        }
      ),
    };
    this.#world = buildWorld({
      places: this.places,
      devices: this.#devices.map(({ services: _, nat: __, ...profile }) => profile),
      cloud: options.cloud,
      seed: net.seed,
      unixTimeMs: this.unixTimeMs,
      deriveKey: memoDeriveKey,
    });
    this.#attachCloud(this.#world.cloud);
    this.#attachRelay(this.#world.relay);
    this.#attachAgent(this.#world.agent);
    for (const device of this.#world.devices.values()) this.#attachDevice(device);
  }

  /** The true wall clock of the simulation. */
  readonly unixTimeMs = (): number => EPOCH_MS + this.#net.now - this.#startedAt;

  /** What was seen. */
  get counters(): Counters {
    return this.#world.counters;
  }

  /** Parts of the cloud that are mute now. */
  get silent(): Set<CloudSilence> {
    return this.#world.silent;
  }

  /** A device by its serial, or the first one. */
  device(serial: string = this.#serials[0]!): Device {
    const device = this.#world.devices.get(serial);
    if (device === undefined) throw new RangeError("no device with this serial");
    return device;
  }

  /** Connections now open between devices and their services. */
  get openConnections(): number {
    return this.#connections.size;
  }

  /** Off and on again. */
  reboot(serial: string = this.#serials[0]!): void {
    this.#nodes.get(`device ${serial}`)!.act((now) => this.device(serial).reboot(now));
  }

  /** Kills a part: what it knew is gone. */
  stop(part: SimPart): void {
    const name = nameOf(part);
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    if (typeof part === "object") node.act((now) => this.device(part.device).stop(now));
    if (name === "relay") this.#relay.stop();
    node.detach();
    this.#nodes.delete(name);
  }

  /** Starts a killed part at its old address. */
  start(part: SimPart): void {
    if (this.#nodes.has(nameOf(part))) return;
    if (part === "cloud") this.#attachCloud(this.#world.renew.cloud());
    else if (part === "relay") this.#attachRelay(this.#world.renew.relay());
    else if (part === "agent") this.#attachAgent(this.#world.renew.agent());
    else this.#attachDevice(this.device(part.device));
  }

  get #serials(): string[] {
    return [...this.#world.devices.keys()];
  }

  #relay!: World["relay"];

  #attachCloud(machine: World["cloud"]): void {
    this.#attach("cloud", machine, { main: MAIN, us: US });
  }

  #attachRelay(machine: World["relay"]): void {
    this.#relay = machine;
    this.#attach("relay", machine, { relay: RELAY });
  }

  #attachAgent(machine: World["agent"]): void {
    this.#attach("agent", machine, Object.fromEntries(this.places.agent));
  }

  #attach<Socket extends string>(
    name: string,
    machine: Machine<unknown, Socket>,
    addresses: Record<Socket, Endpoint>,
  ): void {
    this.#nodes.set(name, this.#net.attach({ name, machine, addresses }));
  }

  #attachDevice(device: Device): void {
    const { serial } = device.profile;
    const name = `device ${serial}`;
    const index = this.#serials.indexOf(serial);
    const { nat, services = {} } = this.#devices[index]!;
    const node = this.#net.attach({
      name,
      machine: device,
      addresses: { device: this.places.devices[index]! },
      nat,
      onEvent: (event: DeviceEvent) => this.#handle(device, services, event),
    });
    this.#nodes.set(name, node);
    node.act((now) => device.start(now));
  }

  #handle(
    device: Device,
    services: Readonly<Record<number, SimService>>,
    event: DeviceEvent,
  ): void {
    const now = this.#net.now;
    // Sessions are counted by the world; TCP to relay agents is not part of this one.
    if (!("stream" in event)) return;
    const key = `${nameOf({ device: device.profile.serial })} ${event.stream}`;
    if (event.type === "dial") {
      const service = services[event.port];
      if (service === undefined) return device.refused(event.stream, now);
      device.connected(event.stream, now);
      const pump = new Pump(device, event.stream, service());
      this.#connections.set(key, pump);
      // Servers that speak first do so at once.
      if (pump.run(now) === "ended") this.#connections.delete(key);
      return;
    }
    const pump = this.#connections.get(key);
    if (pump === undefined) return;
    if (event.type === "hangup") {
      pump.hangUp(event.rest);
      this.#connections.delete(key);
    } else this.#pump(key, pump, now);
  }

  /** Runs a connection now, and once more when its pause is over. */
  #pump(key: string, pump: Pump, now: number): void {
    if (pump.run(now) === "ended") {
      this.#connections.delete(key);
      return;
    }
    const { pausedUntil } = pump;
    if (pausedUntil === undefined || pausedUntil <= now) return;
    this.#net.schedule(pausedUntil, () => {
      if (this.#connections.get(key) !== pump) return;
      const node = this.#nodes.get(key.slice(0, key.lastIndexOf(" ")));
      node?.act((later) => this.#pump(key, pump, later));
    });
  }
}

/** Moves bytes between a device's stream and a service. */
class Pump {
  readonly #device: Device;
  readonly #stream: StreamId;
  readonly #connection: SimConnection;
  #rest: Uint8Array | undefined;

  constructor(device: Device, stream: StreamId, connection: SimConnection) {
    this.#device = device;
    this.#stream = stream;
    this.#connection = connection;
  }

  get pausedUntil(): number | undefined {
    return this.#connection.pausedUntil;
  }

  run(now: number): "open" | "ended" {
    const device = this.#device;
    while ((this.#connection.pausedUntil ?? 0) <= now) {
      const chunk = device.read(this.#stream, now);
      if (chunk === undefined) break;
      this.#connection.receive(chunk);
    }
    for (;;) {
      const bytes = this.#rest ?? this.#connection.produce(64 * 1024);
      if (bytes === undefined || bytes.length === 0) break;
      const taken = device.write(this.#stream, bytes, now);
      this.#rest = taken < bytes.length ? bytes.subarray(taken) : undefined;
      if (this.#rest !== undefined) return "open";
    }
    if (!this.#connection.isDone) return "open";
    device.end(this.#stream, now);
    return "ended";
  }

  hangUp(rest: readonly Uint8Array[]): void {
    for (const chunk of rest) this.#connection.receive(chunk);
    this.#connection.hangUp?.();
  }
}

function nameOf(part: SimPart): string {
  return typeof part === "string" ? part : `device ${part.device}`;
}

/** A service that sends back what it gets. */
export function echoService(): SimConnection {
  const waiting: Uint8Array[] = [];
  return {
    receive: (bytes) => void waiting.push(bytes),
    produce: () => waiting.shift(),
    isDone: false,
  };
}

/** A service that sends `total` bytes of {@linkcode patternByte} and closes. */
export function sourceService(total: number): SimService {
  return () => {
    let sent = 0;
    return {
      receive: () => {},
      produce: (maxBytes) => {
        const length = Math.min(maxBytes, total - sent);
        if (length === 0) return undefined;
        const bytes = Uint8Array.from({ length }, (_, i) => patternByte(sent + i));
        sent += length;
        return bytes;
      },
      get isDone() {
        return sent === total;
      },
    };
  };
}

/** A service that takes bytes and remembers how many were right and wrong. */
export function sinkService(
  record: { received: number; wrong: number; hangUps: number },
): SimService {
  return () => {
    let offset = 0;
    return {
      receive: (bytes) => {
        for (const byte of bytes) if (byte !== patternByte(offset++)) record.wrong++;
        record.received += bytes.length;
      },
      produce: () => undefined,
      isDone: false,
      hangUp: () => void record.hangUps++,
    };
  };
}

/** The byte at an offset of a stream without a period that any frame or segment size divides. */
export function patternByte(offset: number): number {
  return (offset * 31 + (offset >>> 8) * 17 + (offset >>> 16) * 7) & 0xff;
}

/** The serial of the device that is there when nothing is said about devices. */
export const SERIAL = DEFAULT_DEVICE.serial;
