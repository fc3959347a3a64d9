/**
 * A fleet as an integrator has it: most devices are well, some are unknown or off, some slow, some
 * reached by relay only, some silent.
 *
 * @module
 */
import { type Camera, startCamera } from "../../fixtures/camera/camera.ts";
import { type RunningWorld, startWorld } from "../../fixtures/world/deno_shell.ts";
import type { WorldDevice } from "../../fixtures/world/options.ts";

/** What becomes of the devices of a fleet. */
export interface FleetShares {
  readonly total: number;
  readonly unknown: number;
  readonly offline: number;
  readonly slow: number;
  readonly relayOnly: number;
  readonly silent: number;
}

/** The shares of issue and plan: a fifth unknown or off, 5 % slow, 5 % relay only, 2 % silent. */
export function fleetShares(total: number): FleetShares {
  const part = (share: number): number => Math.round(total * share);
  return {
    total,
    unknown: part(0.1),
    offline: part(0.1),
    slow: part(0.05),
    relayOnly: part(0.05),
    silent: part(0.02),
  };
}

/** A running fleet. */
export interface FleetWorld extends AsyncDisposable {
  readonly world: RunningWorld;
  readonly camera: Camera;
  readonly shares: FleetShares;
  /** A serial and a name a line. */
  readonly list: string;
  /** `--cloud` of this world. */
  readonly cloudArgument: string;
}

/** How long a slow device takes for its answer. */
const SLOW_MS = 2_500;

/** Starts a fleet with one camera behind all devices. */
export async function startFleet(total: number): Promise<FleetWorld> {
  const shares = fleetShares(total);
  const camera = await startCamera();
  const services = new Map([[554, { hostname: "127.0.0.1", port: camera.port }]]);
  const kinds: { kind: string; device: WorldDevice | undefined }[] = [];
  const add = (kind: string, count: number, device: WorldDevice | undefined): void => {
    for (let i = 0; i < count; i++) kinds.push({ kind, device });
  };
  add("unknown", shares.unknown, undefined);
  add("offline", shares.offline, { isOnline: false });
  add("slow", shares.slow, { answerDelayMs: SLOW_MS });
  add("relay-only", shares.relayOnly, { paths: "relay" });
  add("silent", shares.silent, { silent: ["channel"] });
  add("well", total - kinds.length, {});
  // Spread: a list is not sorted by what is wrong.
  const mixed = kinds.map((entry, i) => ({ entry, at: (i * 7_919) % total }))
    .sort((a, b) => a.at - b.at).map(({ entry }, i) => ({
      ...entry,
      serial: `FLEET${String(i).padStart(9, "0")}`,
    }));
  const world = await startWorld({
    devices: mixed.flatMap(({ serial, device }) => device ? [{ serial, ...device, services }] : []),
    cloud: { agentSockets: 16, registrationLifetimeMs: 600_000 },
  });
  return {
    world,
    camera,
    shares,
    list: mixed.map(({ serial, kind }, i) => `${serial} ${kind}-${i}\n`).join(""),
    cloudArgument: `127.0.0.1:${world.cloudPort}`,
    async [Symbol.asyncDispose](): Promise<void> {
      await world.close();
      await camera.close();
    },
  };
}
