/**
 * A simulated world of two clouds, and the candidates that reach them.
 *
 * @module
 */
import { type RunningWorld, startWorld } from "../../fixtures/world/deno_shell.ts";
import type { WorldOptions } from "../../fixtures/world/options.ts";
import { type CloudCandidate, cloudCandidates } from "../../lib/core/cloud_choice.ts";

/** Both clouds, and how they are reached. */
export interface TwoClouds extends AsyncDisposable {
  readonly world: RunningWorld;
  readonly candidates: readonly CloudCandidate[];
}

/** Starts both clouds. */
export async function startTwoClouds(options: WorldOptions = {}): Promise<TwoClouds> {
  const world = await startWorld({ dolynk: {}, ...options });
  const ports = [world.cloudPort, world.dolynk!.cloudPort];
  const candidates = cloudCandidates({}).map((candidate, i): CloudCandidate => {
    const { dialect } = candidate;
    const cloud = { ...dialect.cloud, host: "127.0.0.1", port: ports[i]! };
    return { ...candidate, dialect: { ...dialect, cloud } };
  });
  return { world, candidates, [Symbol.asyncDispose]: () => world.close() };
}
