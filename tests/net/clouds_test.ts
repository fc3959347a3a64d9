import { assert, assertEquals, assertRejects } from "@std/assert";
import { DEFAULT_DEVICE } from "../../fixtures/world/options.ts";
import { type Failure, FailureError } from "../../lib/core/failure.ts";
import { Memory } from "../../lib/core/memory.ts";
import { connectDevice, type ConnectEvent, type ConnectOptions } from "../../lib/net/connect.ts";
import { startTwoClouds, type TwoClouds } from "../support/two_clouds.ts";

const SERIAL = DEFAULT_DEVICE.serial;
const CREDENTIALS = { username: DEFAULT_DEVICE.username, password: DEFAULT_DEVICE.password };

interface Outcome {
  readonly failure: Failure | undefined;
  readonly path: string | undefined;
  readonly warnings: readonly string[];
  readonly phases: readonly string[];
}

/** Connects, and closes at once. */
async function attempt(
  { candidates }: TwoClouds,
  options: ConnectOptions = {},
): Promise<Outcome> {
  const events: ConnectEvent[] = [];
  const told = (failure?: Failure, path?: string): Outcome => ({
    failure,
    path,
    warnings: events.flatMap((e) =>
      e.type === "warning" ? [`${e.failure.reason}: ${e.failure.what} ${e.failure.advice}`] : []
    ),
    phases: events.flatMap((e) => e.type === "phase" ? [e.phase] : []),
  });
  try {
    const onEvent = (event: ConnectEvent): void => void events.push(event);
    const session = await connectDevice(SERIAL, { candidates, onEvent, ...options });
    const { path } = session;
    await session.close();
    return told(undefined, path);
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    return told(error.failure);
  }
}

Deno.test("a device of the first cloud never leads to the second", async () => {
  await using clouds = await startTwoClouds();
  const { failure, path, warnings } = await attempt(clouds);
  assertEquals([failure, path, warnings], [undefined, "direct", []]);
  assertEquals(clouds.world.dolynk!.counters.requests["online/stun"], 0);
});

Deno.test("a device of the dolynk cloud is found after the first cloud's 404", async () => {
  await using clouds = await startTwoClouds({ devices: [{ cloud: "dolynk", authType: 1 }] });
  const { failure, path, warnings, phases } = await attempt(clouds, { credentials: CREDENTIALS });
  assertEquals([failure, path], [undefined, "direct"]);
  assertEquals(warnings, [
    "device-unknown: easy4ip does not know this serial (404). Trying profile dmss (2/2).",
  ]);
  assertEquals(phases.filter((phase) => phase === "lookup").length, 1);
  assertEquals(clouds.world.counters.requests["p2p-channel"], 0);
  assertEquals(clouds.world.dolynk!.counters.dialectRefusals, 0);
});

Deno.test("what worked is remembered, and asked first the next time", async () => {
  await using clouds = await startTwoClouds({ devices: [{ cloud: "dolynk" }] });
  const memory = new Memory(Date.now);
  await attempt(clouds, { memory });
  assertEquals(memory.recall(SERIAL), {
    cloud: "dolynk",
    dialect: "dmss",
    sign: "skip",
    path: "direct",
  });
  const asked = clouds.world.counters.requests["online/p2psrv"];
  assertEquals((await attempt(clouds, { memory })).warnings, []);
  assertEquals(clouds.world.counters.requests["online/p2psrv"], asked);
});

Deno.test("a device that has moved is found although another cloud is remembered", async () => {
  await using clouds = await startTwoClouds();
  const memory = new Memory(Date.now);
  memory.remember(SERIAL, { cloud: "dolynk", dialect: "dmss", sign: "skip", path: "direct" });
  const { failure, warnings } = await attempt(clouds, { memory });
  assertEquals(failure, undefined);
  assertEquals(warnings, [
    "device-unknown: dmss does not know this serial (404). Trying profile easy4ip (2/2).",
  ]);
  assertEquals(memory.recall(SERIAL)!.cloud, "easy4ip");
});

Deno.test("a serial that neither cloud knows is told with both answers", async () => {
  await using clouds = await startTwoClouds({ devices: [{ serial: "ANOTHER" }] });
  const memory = new Memory(Date.now);
  const { failure } = await attempt(clouds, { memory });
  assertEquals(failure!.reason, "device-unknown");
  assertEquals(failure!.what, "no cloud we tried knows this serial: easy4ip 404, dmss 404.");
  assertEquals(memory.size, 0);
});

Deno.test("a device known but offline at the first cloud is looked for at the second", async () => {
  await using clouds = await startTwoClouds({ devices: [{ isOnline: false }] });
  const { failure, warnings } = await attempt(clouds);
  assertEquals(failure!.reason, "device-offline");
  assert(failure!.what.endsWith("(dmss 404)."), failure!.what);
  assertEquals(warnings.length, 1);
});

Deno.test("a refused login is final: the second cloud never hears of it", async () => {
  await using clouds = await startTwoClouds({ devices: [{ authType: 1 }] });
  const credentials = { ...CREDENTIALS, password: "wrong" };
  const { failure, warnings } = await attempt(clouds, { credentials });
  assertEquals([failure!.reason, warnings], ["auth-rejected", []]);
  const { requests } = clouds.world.dolynk!.counters;
  assertEquals(Object.values(requests).every((count) => count === 0), true);
  assertEquals(clouds.world.counters.authTransactions, 1);
});

Deno.test("a device silent at the first cloud costs its share of the time and no more", async () => {
  await using clouds = await startTwoClouds({ devices: [{ silent: ["channel"] }] });
  const startedAt = performance.now();
  const { failure, warnings } = await attempt(clouds, { timeoutMs: 1_600, path: "direct" });
  const elapsedMs = performance.now() - startedAt;
  assertEquals(failure!.reason, "device-silent");
  assertEquals(
    failure!.what,
    "found through easy4ip but the device did not answer in 0.8s (dmss 404).",
  );
  assertEquals(warnings.map((line) => line.slice(0, 13)), ["device-silent"]);
  assert(elapsedMs < 2_600, `${elapsedMs} ms`);
  assert(clouds.world.dolynk!.counters.requests["online/p2psrv"] > 0);
});

Deno.test("a silent cloud is final, and says so within its share", async () => {
  await using clouds = await startTwoClouds({ cloud: { silent: ["main"] } });
  const { failure } = await attempt(clouds, { timeoutMs: 1_000 });
  assertEquals(failure!.reason, "cloud-unreachable");
  assertEquals(clouds.world.dolynk!.counters.requests["online/stun"], 0);
});

Deno.test("an abort ends the whole search with the caller's reason", async () => {
  await using clouds = await startTwoClouds({ devices: [{ silent: ["channel"] }] });
  const abort = new AbortController();
  const { candidates } = clouds;
  const connecting = connectDevice(SERIAL, {
    candidates,
    signal: abort.signal,
    onEvent: (event) => {
      if (event.type === "phase" && event.phase === "lookup") abort.abort(new Error("enough"));
    },
  });
  await assertRejects(() => connecting, Error, "enough");
  assertEquals(clouds.world.dolynk!.counters.requests["online/stun"], 0);
});

Deno.test("an OEM's cloud is reached with its own pair, and refuses ours", async () => {
  const app = { user: "default\\00112233445566778899aabbccddeeff", key: "an own key" };
  await using clouds = await startTwoClouds({ cloud: { apps: [app] } });
  const cloud = { host: "127.0.0.1", port: clouds.world.cloudPort };
  const known = await attempt(clouds, { candidates: undefined, cloud, app });
  assertEquals(known.failure, undefined);
  const unknown = await attempt(clouds, { candidates: undefined, cloud });
  assertEquals(unknown.failure!.reason, "app-rejected");
});

Deno.test("a host is talked to in the dialect that is named", async () => {
  await using clouds = await startTwoClouds({ devices: [{ cloud: "dolynk" }] });
  const cloud = { host: "127.0.0.1", port: clouds.world.dolynk!.cloudPort };
  const memory = new Memory(Date.now);
  const options = { candidates: undefined, cloud, memory } as const;
  assertEquals((await attempt(clouds, { ...options, dialect: "dmss" })).failure, undefined);
  assertEquals(memory.recall(SERIAL)!.cloud, `127.0.0.1:${cloud.port}`);
  assertEquals((await attempt(clouds, options)).failure!.reason, "app-rejected");
});
