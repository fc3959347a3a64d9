/**
 * What one seed stands for: a world, a line to it, local clients, and everything that goes wrong.
 * A scenario is plain data, so that parts of it can be left out to find the smallest that fails.
 *
 * @module
 */
import type {
  CloudProfile,
  CloudSilence,
  DeviceProfile,
  DeviceSilence,
  SignChoice,
} from "../../fixtures/world/options.ts";
import { DEVICE_QUIRKS, STANDARD_QUIRKS } from "../../lib/core/ptcp/options.ts";
import type { PathPolicy } from "../../lib/core/cloud/signaling.ts";
import { Chooser } from "./chooser.ts";
import { DEPENDENCES, type NatOptions } from "./nat.ts";
import type { LinkConditions } from "./network.ts";

/** How a local client behaves. */
export interface ClientPlan {
  /** From the start of the trouble. */
  readonly startMs: number;
  readonly port: number;
  readonly uploadBytes: number;
  readonly downloadBytes: number;
  readonly writeChunkBytes: number;
  /** Between two writes; 0: as fast as it is let. */
  readonly writeEveryMs: number;
  /** Between two reads; 0: at once. */
  readonly readEveryMs: number;
  readonly readBytes: number;
  /** What it does besides: nothing, end of file after its last byte, vanish, or read no more. */
  readonly manner: "patient" | "finishes" | "vanishes" | "stops-reading";
  /** When it vanishes or stops to read, from its start. */
  readonly mannerMs: number;
  /** How long the service behind the device waits now and then before it reads on. */
  readonly servicePauseMs: number;
  /** What the service does when everything is said. */
  readonly serviceManner: "closes" | "lingers";
}

/** Parts of the world that can be away for a while. */
export type Outage = "cloud" | "relay" | "agent";

/** Something that goes wrong, `atMs` after the start of the trouble. */
export type Fault =
  & { readonly atMs: number }
  & (
    | { readonly type: "reboot" }
    | { readonly type: "outage"; readonly part: Outage; readonly forMs: number }
    | { readonly type: "cloud-silence"; readonly part: CloudSilence; readonly forMs: number }
    | { readonly type: "device-silence"; readonly part: DeviceSilence; readonly forMs: number }
    | { readonly type: "nat-restart"; readonly side: "client" | "device" }
    | {
      readonly type: "line";
      readonly direction: "both" | "up" | "down";
      readonly forMs: number;
      readonly conditions: LinkConditions;
    }
    | { readonly type: "clock-step"; readonly byMs: number }
    | { readonly type: "hostile"; readonly datagrams: number; readonly forMs: number }
    | { readonly type: "renew" }
    /** The driver believes that the machine slept. */
    | { readonly type: "wake" }
  );

/** The sides of the NATs. */
export type NatPlan = Omit<NatOptions, "name" | "publicIp" | "outer">;

/** A whole run. */
export interface Scenario {
  readonly seed: number;
  readonly path: PathPolicy;
  readonly device: Partial<DeviceProfile>;
  readonly cloud: Partial<CloudProfile>;
  readonly clientNat: NatPlan | undefined;
  readonly deviceNat: NatPlan | undefined;
  /** The line while there is trouble; afterwards only its latency and rate stay. */
  readonly up: LinkConditions;
  readonly down: LinkConditions;
  readonly timerLatenessMs: number;
  readonly spuriousTimeoutRate: number;
  /** How far the client's wall clock is ahead at first. */
  readonly clockAheadMs: number;
  readonly realmBufferBytes: number;
  readonly receiveWindowBytes: number;
  readonly windowScale: number;
  readonly initialSequence: number;
  readonly initialPeerSequence: number;
  readonly troubleMs: number;
  readonly clients: readonly ClientPlan[];
  readonly faults: readonly Fault[];
}

/** The scenario that a seed stands for. */
export function makeScenario(seed: number): Scenario {
  const choose = new Chooser(seed);
  const troubleMs = choose.between(20_000, 90_000);
  const nats = chooseNats(choose);
  const device = chooseDevice(choose, nats.canBeDirect);
  const wrap = 0x1_0000_0000 - choose.between(0, 100_000);
  const initialSequence = choose.of([0, 0, 0x7fff_f000, wrap]);
  const initialPeerSequence = choose.of([0, 0, 0x7fff_f000, wrap]);
  const calm = choose.chance(0.2);
  const baseline = chooseLine(choose, calm);
  const clientCount = choose.of([1, 1, 2, 3, 5, 8]);
  const faultCount = calm ? choose.between(0, 1) : choose.between(0, 8);
  const scale = choose.chance(0.2) ? choose.between(1, 4) : 0;
  return {
    seed,
    path: choosePath(choose, device, nats.canBeDirect),
    device: {
      ...device,
      // Each side's first sequence number is the other's first expected one.
      initialSequence,
      initialPeerSequence,
    },
    cloud: chooseCloud(choose),
    clientNat: nats.client,
    deviceNat: nats.device,
    up: baseline,
    down: choose.chance(0.5) ? baseline : chooseLine(choose, calm),
    timerLatenessMs: choose.of([0, 0, 1, 15]),
    spuriousTimeoutRate: choose.of([0, 0.05, 0.5]),
    clockAheadMs: choose.chance(0.2) ? choose.between(-7_200_000, 7_200_000) : 0,
    realmBufferBytes: choose.of([16 * 1024, 128 * 1024, 4 * 1024 * 1024]),
    receiveWindowBytes: scale > 0 ? 0xffff << scale : choose.of([0xffff, 0xffff, 16_384, 8_192]),
    windowScale: scale,
    initialSequence: initialPeerSequence,
    initialPeerSequence: initialSequence,
    troubleMs,
    clients: choose.list(clientCount, () => chooseClient(choose, troubleMs)),
    faults: choose.list(faultCount, () => chooseFault(choose, troubleMs))
      .sort((a, b) => a.atMs - b.atMs),
  };
}

interface Nats {
  readonly client: NatPlan | undefined;
  readonly device: NatPlan | undefined;
  readonly canBeDirect: "yes" | "no";
}

function chooseNats(choose: Chooser): Nats {
  const client = choose.chance(0.6) ? chooseNat(choose) : undefined;
  const device = choose.chance(0.6) ? chooseNat(choose) : undefined;
  const isHard = (nat: NatPlan | undefined): boolean =>
    nat !== undefined && nat.mapping !== "endpoint-independent";
  // Between two NATs of which one maps anew, only some filters let a direct path through.
  const isBlocked = client !== undefined && device !== undefined &&
    (isHard(client) || isHard(device));
  return { client, device, canBeDirect: isBlocked ? "no" : "yes" };
}

function chooseNat(choose: Chooser): NatPlan {
  return {
    mapping: choose.of([DEPENDENCES[0]!, DEPENDENCES[0]!, ...DEPENDENCES]),
    filtering: choose.of(DEPENDENCES),
    expiryMs: choose.of([20_000, 30_000, 120_000]),
    refreshedBy: choose.of(["outbound", "both"]),
    ports: choose.of(["preserved", "sequential"]),
  };
}

function chooseDevice(choose: Chooser, canBeDirect: "yes" | "no"): Partial<DeviceProfile> {
  const paths = choose.of(
    canBeDirect === "yes" ? ["both", "both", "both", "relay", "direct"] as const : ["both"],
  );
  const signs: readonly SignChoice[] = ["optional", "optional", "unanswered", "ignored", "harmful"];
  const scale = choose.chance(0.1) ? choose.between(1, 3) : 0;
  return {
    paths,
    // Without a relay session there is nobody to ask for a sign.
    sign: choose.of(paths === "direct" ? signs : [...signs, "required"]),
    ...choose.of([
      { authType: 0, info: "empty" },
      { authType: 1, info: "present" },
      { authType: 1, info: "json" },
    ]),
    extraLanIps: choose.chance(0.3) ? ["10.99.0.7", "172.16.4.4"] : [],
    tryingDelayMs: choose.between(0, 100),
    answerDelayMs: choose.between(0, 1100),
    joinDelayMs: choose.between(0, 500),
    connDelayMs: choose.between(0, 40),
    maxRealms: 160,
    heartbeatIntervalMs: choose.of([5_000, 15_000]),
    sendBufferBytes: choose.of([32, 64, 256]) * 1024,
    receiveBufferBytes: scale > 0 ? 0xffff << scale : choose.of([65_535, 61_440, 16_384]),
    windowScale: scale,
    realmBufferBytes: choose.of([8, 64, 256]) * 1024,
    quirks: choose.of([
      DEVICE_QUIRKS,
      DEVICE_QUIRKS,
      { ...DEVICE_QUIRKS, nack: { intervalMs: 10, limit: 100, control: 0 } },
      { ...DEVICE_QUIRKS, outOfOrder: "drop" },
      { ...DEVICE_QUIRKS, nack: undefined },
      STANDARD_QUIRKS,
    ]),
  };
}

function choosePath(
  choose: Chooser,
  { paths }: Partial<DeviceProfile>,
  canBeDirect: "yes" | "no",
): PathPolicy {
  if (paths === "relay" || canBeDirect === "no") return choose.of(["auto", "relay"]);
  if (paths === "direct") return choose.of(["auto", "direct"]);
  return choose.of(["auto", "auto", "auto", "direct", "relay"]);
}

function chooseCloud(choose: Chooser): Partial<CloudProfile> {
  return {
    // The device judges by its own clock, which keeps the true time.
    clockOffsetMs: choose.chance(0.1) ? choose.between(-200_000, 200_000) : 0,
    clockRefusal: choose.of([401, 403]),
    agentSockets: 8,
  };
}

function chooseLine(choose: Chooser, calm: boolean): LinkConditions {
  const latencyMs = choose.of([0.2, 5, 20, 60, 150]);
  const hasRate = choose.chance(0.3);
  if (calm) return { latencyMs };
  return {
    latencyMs,
    jitterMs: choose.of([0, 0, 5, 40]),
    lossRate: choose.of([0, 0, 0.001, 0.01, 0.03, 0.1]),
    burst: choose.chance(0.2) ? { enterRate: 0.003, leaveRate: 0.2 } : undefined,
    duplicationRate: choose.of([0, 0, 0.01, 0.1]),
    reorderRate: choose.of([0, 0, 0.01, 0.1]),
    reorderDelayMs: choose.of([5, 40, 200]),
    bytesPerSecond: hasRate ? choose.of([64, 256, 1024]) * 1024 : undefined,
    queueBytes: choose.of([16, 64, 256]) * 1024,
    mtuBytes: choose.chance(0.2) ? 1400 : undefined,
  };
}

function chooseClient(choose: Chooser, troubleMs: number): ClientPlan {
  const size = (): number =>
    choose.of([0, choose.between(1, 2_000), choose.between(1, 40_000), choose.between(1, 400_000)]);
  const isSlowReader = choose.chance(0.25);
  const isSlowWriter = choose.chance(0.3);
  const uploadBytes = size();
  const downloadBytes = 1 + size();
  // Nobody takes more than about a minute by his own choice.
  const writeChunkBytes = Math.max(
    choose.of([1, 200, 1280, 4096, 65_536]),
    Math.ceil(uploadBytes / 400),
  );
  const writes = 1 + Math.ceil(uploadBytes / writeChunkBytes);
  const reads = 1 + Math.ceil(downloadBytes / 1280);
  const manner = choose.of(
    ["patient", "patient", "finishes", "vanishes", "stops-reading"] as const,
  );
  return {
    startMs: choose.between(0, troubleMs),
    port: choose.of([80, 80, 554, 37777, 81]),
    uploadBytes,
    downloadBytes,
    writeChunkBytes,
    writeEveryMs: isSlowWriter ? choose.between(1, Math.min(2_000, 60_000 / writes)) : 0,
    readEveryMs: isSlowReader ? choose.between(1, Math.min(3_000, 60_000 / reads)) : 0,
    readBytes: choose.of([1, 4096, 262_144]),
    manner,
    mannerMs: choose.between(0, 20_000),
    servicePauseMs: choose.chance(0.2) ? choose.between(1, 3_000) : 0,
    // Somebody has to end it.
    serviceManner: manner === "finishes" && choose.chance(0.5) ? "lingers" : "closes",
  };
}

const SILENCES: readonly CloudSilence[] = ["main", "us", "relay", "agent", "online-relay"];
const DEVICE_SILENCES: readonly DeviceSilence[] = [
  "channel",
  "after-trying",
  "never-joins",
  "never-punches",
  "ptcp",
];

function chooseFault(choose: Chooser, troubleMs: number): Fault {
  const atMs = choose.between(0, troubleMs);
  const forMs = choose.of([choose.between(100, 3_000), choose.between(3_000, 40_000)]);
  const fault = choose.of([
    (): Fault => ({ atMs, type: "reboot" }),
    (): Fault => ({ atMs, type: "outage", part: choose.of(["cloud", "relay", "agent"]), forMs }),
    (): Fault => ({ atMs, type: "cloud-silence", part: choose.of(SILENCES), forMs }),
    (): Fault => ({ atMs, type: "device-silence", part: choose.of(DEVICE_SILENCES), forMs }),
    (): Fault => ({ atMs, type: "nat-restart", side: choose.of(["client", "device"]) }),
    (): Fault => ({
      atMs,
      type: "line",
      direction: choose.of(["both", "up", "down"]),
      forMs,
      conditions: choose.of([{ lossRate: 1 }, { lossRate: 0.3 }, { mtuBytes: 600 }, {
        bytesPerSecond: 4096,
        queueBytes: 8192,
      }, { latencyMs: 800, jitterMs: 400, reorderRate: 0.5, reorderDelayMs: 500 }]),
    }),
    (): Fault => ({ atMs, type: "clock-step", byMs: choose.between(-7_200_000, 7_200_000) }),
    (): Fault => ({ atMs, type: "hostile", datagrams: choose.between(1, 300), forMs }),
    (): Fault => ({ atMs, type: "renew" }),
    (): Fault => ({ atMs, type: "wake" }),
  ]);
  return fault();
}
