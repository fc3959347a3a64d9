/**
 * A whole tunnel in one process and virtual time: supervisor and links of ours, the simulated cloud,
 * relay, agent and device, the line and the NATs between, local clients, and trouble; then calm, in
 * which everything must come right; then the end, after which nothing may be left.
 *
 * @module
 */
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import type { Link } from "../../lib/core/link.ts";
import { seededRandom } from "../../lib/core/random.ts";
import type { Failure } from "../../lib/core/failure.ts";
import type { LinkSettings } from "../../lib/core/link_options.ts";
import { isPtcp } from "../../lib/core/ptcp/segment.ts";
import type { Endpoint } from "../../lib/core/types.ts";
import { memoDeriveKey } from "../support/memo_derive_key.ts";
import { Chooser } from "./chooser.ts";
import { damaged, forgedSegment, noise } from "./hostile.ts";
import { KeptLink, type KeptLinkEvent } from "./kept_link.ts";
import { type ClientEnd, LocalClient } from "./local_client.ts";
import { Nat } from "./nat.ts";
import {
  type Fate,
  type LinkConditions,
  type NetworkNode,
  type Sighting,
  VirtualNetwork,
} from "./network.ts";
import type { ClientPlan, Fault, Scenario } from "./scenario.ts";
import { DEVICE_PUBLIC, MAIN, SERIAL, SimWorld } from "./sim_world.ts";
import { TransferService } from "./transfer_model.ts";

/** What a run did; for counting, and to see that runs differ. */
export interface SimulationResult {
  readonly steps: number;
  readonly virtualMs: number;
  readonly sessions: number;
  readonly bytes: number;
  readonly ends: Readonly<Partial<Record<ClientEnd | "open", number>>>;
  readonly downs: Readonly<Record<string, number>>;
  readonly fates: Readonly<Record<Fate, number>>;
}

/** Whoever was connected before the calm is through or gone by then. */
const SETTLE_MS = 200_000;
/** By then a link is up again: the worst wait of 60 s, twice, and what it takes to notice. */
const RECOVER_MS = 420_000;
/** How long fresh clients need on a line that works. */
const FRESH_MS = 60_000;
/** A clean stop on a line that works; less than the link's own patience. */
const STOP_MS = 3_500;
/** After the stop: the longest memory in the world is that of a silent lease. */
const FORGET_MS = 150_000;
/** Steps between two looks at the buffers. */
const LOOK_EVERY_STEPS = 64;
/** Datagrams remembered for the hostile to damage and to replay. */
const REMEMBERED = 64;

const CREDENTIALS = { username: "admin", password: "admin123" };
const CLIENT_PUBLIC_IP = "203.0.113.10";
const DEVICE_NAME = `device ${SERIAL}`;
const PORTS = [80, 554, 37777];

/** What a fresh client does, in both directions. */
const FRESH_CLIENT: ClientPlan = {
  startMs: 0,
  port: 80,
  uploadBytes: 30_000,
  downloadBytes: 60_000,
  writeChunkBytes: 5_000,
  writeEveryMs: 0,
  readEveryMs: 0,
  readBytes: 65_536,
  manner: "patient",
  mannerMs: 0,
  servicePauseMs: 0,
  serviceManner: "closes",
};

/**
 * Runs a scenario from its first datagram to its last timer.
 *
 * @throws {Error} When an invariant does not hold; the message names the seed, step and instant.
 */
export function simulateTunnel(scenario: Scenario): SimulationResult {
  return new Simulation(scenario).run();
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #net: VirtualNetwork;
  readonly #world: SimWorld;
  readonly #kept: KeptLink;
  readonly #node: NetworkNode;
  readonly #choose: Chooser;
  readonly #clientNat: Nat | undefined;
  readonly #deviceNat: Nat | undefined;
  readonly #clients: LocalClient[] = [];
  readonly #seen: Sighting[] = [];
  #lastSegment: Uint8Array | undefined;
  readonly #lineFaults: Extract<Fault, { type: "line" }>[] = [];
  readonly #downs: Record<string, number> = {};
  #sockets: Readonly<Record<"main" | "us" | "device", Endpoint>>;
  #clockAheadMs: number;
  /** Whether it was put wrong at any time: what a link learned of the cloud's time is wrong then. */
  #isClockStepped = false;
  #phase: "trouble" | "calm" | "over" = "trouble";

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#choose = new Chooser(scenario.seed + 7);
    this.#clockAheadMs = scenario.clockAheadMs;
    this.#net = new VirtualNetwork({
      seed: scenario.seed,
      timerLatenessMs: scenario.timerLatenessMs,
      spuriousTimeoutRate: scenario.spuriousTimeoutRate,
      link: (from, to) => this.#conditions(from, to),
      onDatagram: (sighting) => this.#remember(sighting),
    });
    const { clientNat, deviceNat } = scenario;
    this.#clientNat = clientNat &&
      new Nat({ ...clientNat, name: "client-nat", publicIp: CLIENT_PUBLIC_IP });
    this.#deviceNat = deviceNat &&
      new Nat({ ...deviceNat, name: "device-nat", publicIp: DEVICE_PUBLIC.ip });
    const find = (salt: number): LocalClient["record"] | undefined =>
      this.#clients.find(({ record }) => record.salt === salt)?.record;
    const service = (): TransferService => new TransferService(find, () => this.#net.now);
    this.#world = new SimWorld(this.#net, {
      devices: [{
        ...scenario.device,
        nat: this.#deviceNat,
        services: Object.fromEntries(PORTS.map((port) => [port, service])),
      }],
      cloud: scenario.cloud,
    });
    this.#kept = new KeptLink(
      seededRandom(scenario.seed + 8),
      (attempt, sign) => this.#prepare(attempt, sign),
    );
    this.#sockets = this.#newSockets(0);
    this.#node = this.#net.attach({
      name: "client",
      machine: this.#kept,
      addresses: this.#sockets,
      nat: this.#clientNat,
      onEvent: (event) => this.#handle(event),
    });
  }

  run(): SimulationResult {
    const { troubleMs, clients, faults } = this.#scenario;
    const net = this.#net;
    net.run({ untilMs: net.now + 1_000 });
    this.#node.act((now) => this.#kept.start(now));
    const startedAt = net.now;
    for (const plan of clients) this.#addClient(plan, startedAt + plan.startMs);
    for (const fault of faults) net.schedule(startedAt + fault.atMs, () => this.#strike(fault));
    this.#runUntil(startedAt + troubleMs);
    this.#calm();
    const calmAt = net.now;
    this.#runUntil(calmAt + SETTLE_MS);
    this.#checkSettled();
    this.#checkRealms();
    this.#runUntil(calmAt + RECOVER_MS, () => this.#isReady());
    this.#require(this.#isReady(), `no link came back: ${this.#standing()}`);
    this.#checkFresh(calmAt);
    this.#stop();
    return this.#result();
  }

  #newSockets(attempt: number): Readonly<Record<"main" | "us" | "device", Endpoint>> {
    const ip = this.#clientNat === undefined ? CLIENT_PUBLIC_IP : "10.0.0.5";
    const port = 50_000 + 3 * attempt % 10_000;
    return { main: { ip, port }, us: { ip, port: port + 1 }, device: { ip, port: port + 2 } };
  }

  #handle(event: KeptLinkEvent): void {
    switch (event.type) {
      case "down": {
        const reason = event.failure?.reason ?? "renewed";
        this.#checkDown(event.failure);
        this.#downs[reason] = (this.#downs[reason] ?? 0) + 1;
        for (const client of this.#clients) client.lose();
        return;
      }
      case "ended":
        this.#require(this.#phase === "over", `given up: ${event.failure?.reason}`);
        for (const client of this.#clients) client.lose();
        return;
      case "realm-connected":
      case "realm-refused":
      case "realm-readable":
      case "realm-writable":
      case "realm-closed":
        for (const client of this.#clients) client.handle(event);
        return;
    }
  }

  #prepare(attempt: number, sign: "ask" | "skip"): LinkSettings {
    const scenario = this.#scenario;
    this.#sockets = this.#newSockets(attempt);
    this.#node.readdress(this.#sockets);
    return {
      serial: SERIAL,
      dialect: SMARTPSS,
      path: scenario.path,
      authType: "auto",
      credentials: CREDENTIALS,
      servers: [MAIN],
      localPort: this.#sockets.device.port,
      sign,
      realmBufferBytes: scenario.realmBufferBytes,
      ptcp: {
        initialSequence: scenario.initialSequence,
        initialPeerSequence: scenario.initialPeerSequence,
        receiveBufferBytes: scenario.receiveWindowBytes,
        windowScale: scenario.windowScale,
      },
      environment: {
        random: seededRandom(scenario.seed + 100 + attempt),
        unixTimeMs: () => this.#world.unixTimeMs() + this.#clockAheadMs,
        deriveKey: memoDeriveKey,
      },
    };
  }

  #addClient(plan: ClientPlan, startAt: number): LocalClient {
    const salt = 1 + this.#clients.length;
    const client = new LocalClient(plan, salt, {
      command: (call) => this.#command(call),
      later: (delayMs, run) => this.#net.schedule(this.#net.now + delayMs, run),
    });
    this.#clients.push(client);
    this.#net.schedule(startAt, () => client.start());
    return client;
  }

  #command<T>(call: (link: Link, now: number) => T): T | undefined {
    if (this.#kept.link?.state !== "ready") return undefined;
    return this.#node.act((now) => this.#kept.withLink((link) => call(link, now), now));
  }

  // ---- trouble ----

  #conditions(from: string, to: string): LinkConditions {
    const isUp = from === "client";
    const isDown = to === "client" || to === "client-nat";
    if (!isUp && !isDown) return { latencyMs: 5 };
    const { latencyMs, bytesPerSecond, ...rest } = isUp ? this.#scenario.up : this.#scenario.down;
    if (this.#phase !== "trouble") return { latencyMs, bytesPerSecond, queueBytes: 128 * 1024 };
    const direction = isUp ? "up" : "down";
    let conditions: LinkConditions = { latencyMs, bytesPerSecond, ...rest };
    for (const fault of this.#lineFaults) {
      if (fault.direction === "both" || fault.direction === direction) {
        conditions = { ...conditions, ...fault.conditions };
      }
    }
    return conditions;
  }

  #strike(fault: Fault): void {
    const world = this.#world;
    const undoAfter = (ms: number, undo: () => void): void =>
      this.#net.schedule(this.#net.now + ms, () => {
        if (this.#phase === "trouble") undo();
      });
    switch (fault.type) {
      case "reboot":
        return world.reboot();
      case "outage":
        world.stop(fault.part);
        return undoAfter(fault.forMs, () => world.start(fault.part));
      case "cloud-silence":
        world.silent.add(fault.part);
        return undoAfter(fault.forMs, () => void world.silent.delete(fault.part));
      case "device-silence":
        world.device().silent.add(fault.part);
        return undoAfter(fault.forMs, () => void world.device().silent.delete(fault.part));
      case "nat-restart":
        return (fault.side === "client" ? this.#clientNat : this.#deviceNat)?.restart();
      case "line":
        this.#lineFaults.push(fault);
        return undoAfter(fault.forMs, () => {
          this.#lineFaults.splice(this.#lineFaults.indexOf(fault), 1);
        });
      case "clock-step":
        this.#clockAheadMs += fault.byMs;
        this.#isClockStepped = true;
        return;
      case "hostile":
        return this.#attack(fault.datagrams, fault.forMs);
      case "renew":
        return this.#node.act((now) => this.#kept.renew(now));
      case "wake":
        this.#command((link, now) => link.wake(now));
        return;
    }
  }

  #attack(left: number, forMs: number): void {
    if (left === 0 || this.#phase !== "trouble") return;
    this.#hostileDatagram();
    this.#net.schedule(this.#net.now + forMs / left, () => {
      this.#attack(left - 1, forMs - forMs / left);
    });
  }

  /** A stranger's noise, damaged copy or forged segment, or an old datagram once more from where it came. */
  #hostileDatagram(): void {
    const choose = this.#choose;
    const socket = choose.of(["main", "us", "device"]);
    const known = this.#seen.length > 0 ? choose.of(this.#seen) : undefined;
    const stranger = choose.of([
      { ip: "198.18.0.1", port: choose.between(1, 65_535) },
      { ...DEVICE_PUBLIC, port: choose.between(1, 65_535) },
      { ...MAIN, port: MAIN.port + 7 },
    ]);
    switch (choose.of(["noise", "damaged", "forged", "replayed"])) {
      case "forged":
        if (this.#lastSegment === undefined) return;
        return this.#node.deliver({
          socket: choose.of(["main", "device"]),
          from: stranger,
          data: forgedSegment(this.#lastSegment, choose),
        });
      case "noise":
        return this.#node.deliver({ socket, from: stranger, data: noise(choose) });
      case "damaged":
        if (known === undefined) return;
        return this.#node.deliver({ socket, from: stranger, data: damaged(known.data, choose) });
      case "replayed":
        if (known === undefined) return;
        for (const [name, endpoint] of Object.entries(this.#sockets)) {
          if (endpoint.port !== known.to.port) continue;
          this.#node.deliver({ socket: name, from: known.source, data: known.data.slice() });
        }
    }
  }

  #remember(sighting: Sighting): void {
    if (this.#phase !== "trouble" || sighting.from === "client") return;
    if (sighting.fate !== "delivered" || sighting.from === DEVICE_NAME && sighting.to === MAIN) {
      return;
    }
    if (isPtcp(sighting.data)) this.#lastSegment = sighting.data;
    const at = this.#net.steps % REMEMBERED;
    if (this.#seen.length < REMEMBERED) this.#seen.push(sighting);
    else this.#seen[at] = sighting;
  }

  #calm(): void {
    this.#phase = "calm";
    this.#lineFaults.length = 0;
    for (const part of ["cloud", "relay", "agent"] as const) this.#world.start(part);
    this.#world.silent.clear();
    this.#world.device().silent.clear();
  }

  // ---- what must hold ----

  #runUntil(untilMs: number, until: () => boolean = () => false): void {
    let steps = 0;
    this.#net.run({
      untilMs,
      until: () => {
        if (++steps % LOOK_EVERY_STEPS === 0) this.#look();
        return until();
      },
    });
    this.#look();
  }

  /** Bounds that hold at every moment, and violations that the world has counted. */
  #look(): void {
    const { realmBufferBytes, receiveWindowBytes } = this.#scenario;
    const carrier = this.#kept.link?.carrier;
    if (carrier !== undefined) {
      const { connection, realms } = carrier;
      this.#require(connection.unacknowledgedBytes <= 1024 * 1024, "the send buffer has no bound");
      this.#require(connection.readableBytes <= receiveWindowBytes, "the receive buffer overflows");
      this.#require(realms.realmCount <= 64, "realms are not given up");
      for (const { realm } of this.#clients) {
        if (realm === undefined) continue;
        const waiting = realms.readableBytes(realm);
        const limit = Math.max(realmBufferBytes, 2 * receiveWindowBytes) + receiveWindowBytes;
        this.#require(waiting <= limit, `${waiting} bytes wait in a realm`);
      }
    }
    const { counters } = this.#world;
    this.#require(counters.dataBeforeConn === 0, "DATA before CONN");
    this.#require(counters.framingErrors === 0, "our framing was lost");
    this.#require(counters.unexpectedAuth === 0, "a type 0 device was sent an account");
    this.#require(counters.authFailures.DevPwd_InvalidNonce === 0, "a nonce was used twice");
    this.#require(counters.wsseFailures === 0, "a request was signed wrongly");
    for (const { record } of this.#clients) {
      this.#require(record.dials <= 1, `client ${record.salt} was dialled ${record.dials} times`);
    }
  }

  /** What may end a link: never anything that strangers said, and on a good line nothing at all. */
  #checkDown(failure: Failure | undefined): void {
    if (failure === undefined) return;
    const { reason, facts } = failure;
    this.#require(reason !== "protocol", `somebody broke the session: ${failure.what}`);
    this.#require(facts?.["why"] !== "reset", "somebody reset the session");
    const { faults, up, down, device } = this.#scenario;
    const isGood = [up, down].every((line) =>
      (line.lossRate ?? 0) <= 0.03 && line.burst === undefined && line.bytesPerSecond === undefined
    );
    // A sign that does harm is found out by its harm; a 200 that is lost behind its 100 is not asked
    // for again when it answers a login, so that no password is judged twice.
    const isExpected = (reason === "relay-zombie" && device.sign === "harmful") ||
      (reason === "device-silent" && device.authType === 1);
    const isTroubled = faults.length > 0 || !isGood;
    this.#require(isTroubled || isExpected, `lost on a good line: ${failure.what}`);
  }

  /** After a calm: nothing is still on its way for whoever waits for it. */
  #checkSettled(): void {
    for (const client of this.#clients) {
      const { record } = client;
      // Whoever left has been hung up on: by DISC, or by the end of the session.
      const isGone = record.dials === 0 || record.isHungUp || record.isServed;
      this.#require(client.end === undefined || isGone, `client ${record.salt} left a connection`);
      if (!client.isOwed) continue;
      const { accepted, arrived, served, received, salt } = record;
      this.#require(
        false,
        `client ${salt} still waits: ${arrived} of ${accepted} bytes up, ` +
          `${received} of ${served} down, link ${this.#standing()}`,
      );
    }
  }

  /** The link holds exactly the realms of the clients that are there. */
  #checkRealms(): void {
    const held = this.#kept.link?.carrier?.realms.realmCount ?? 0;
    const open = this.#clients.filter(({ realm }) => realm !== undefined).length;
    this.#require(held === open, `${held} realms for ${open} clients`);
  }

  #checkFresh(calmAt: number): void {
    const fresh: LocalClient[] = [];
    const isDone = (): boolean => fresh.every(({ end }) => end !== undefined);
    for (let round = 0; round < 6; round++) {
      fresh.length = 0;
      for (let i = 0; i < 3; i++) fresh.push(this.#addClient(FRESH_CLIENT, this.#net.now + i));
      this.#runUntil(this.#net.now + FRESH_MS, isDone);
      this.#require(isDone(), `fresh clients wait: ${JSON.stringify(fresh.map((c) => c.record))}`);
      this.#checkRealms();
      if (fresh.every(({ end }) => end === "complete")) return;
      // A link that looked well was not: it must have been given up, and the next one is.
      this.#runUntil(this.#net.now + RECOVER_MS, () => this.#isReady());
      this.#require(this.#isReady(), `no link came back: ${this.#standing()}`);
    }
    const ends = fresh.map(({ end }) => end).join(", ");
    this.#require(
      false,
      `fresh clients end as ${ends} ${this.#net.now - calmAt} ms after the calm`,
    );
  }

  #stop(): void {
    this.#phase = "over";
    this.#node.act((now) => this.#kept.stop(now));
    this.#runUntil(this.#net.now + STOP_MS, () => this.#kept.state === "ended");
    this.#require(this.#kept.state === "ended", "the stop takes too long");
    this.#require(this.#kept.pollDeadline() === undefined, "a timer is left");
    this.#require(this.#kept.pollTransmit() === undefined, "a datagram is left");
    const { counters } = this.#world;
    this.#runUntil(this.#net.now + 1_000);
    // By a clock that was put wrong meanwhile the relay refuses what we sign.
    const isReturned = counters.openLeases === 0 || this.#isClockStepped;
    this.#require(isReturned, `${counters.openLeases} leases not given back`);
    this.#runUntil(this.#net.now + FORGET_MS);
    this.#require(counters.realmsOpen === 0, `${counters.realmsOpen} realms left at the device`);
    this.#require(counters.sessionsOpen === 0, `${counters.sessionsOpen} sessions left`);
    this.#require(this.#world.openConnections === 0, "connections to services left");
  }

  #isReady(): boolean {
    return this.#kept.link?.state === "ready";
  }

  #standing(): string {
    const { link } = this.#kept;
    return `${this.#kept.state}/${link?.state}/${link?.path}, downs ${JSON.stringify(this.#downs)}`;
  }

  #require(holds: boolean, what: string): void {
    if (!holds) throw new Error(`seed ${this.#scenario.seed}, ${this.#net.now} ms: ${what}`);
  }

  #result(): SimulationResult {
    const ends: Partial<Record<ClientEnd | "open", number>> = {};
    let bytes = 0;
    for (const { end = "open", record } of this.#clients) {
      ends[end] = (ends[end] ?? 0) + 1;
      bytes += record.arrived + record.received;
    }
    return {
      steps: this.#net.steps,
      virtualMs: this.#net.now,
      sessions: this.#kept.sessions,
      bytes,
      ends,
      downs: this.#downs,
      fates: this.#net.fates,
    };
  }
}
