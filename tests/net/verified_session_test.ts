import { assert, assertEquals, assertRejects } from "@std/assert";
import { type RunningWorld, startWorld } from "../../fixtures/world/deno_shell.ts";
import { DEFAULT_DEVICE, type SignChoice as SignTaste } from "../../fixtures/world/options.ts";
import { FailureError } from "../../lib/core/failure.ts";
import { Memory } from "../../lib/core/memory.ts";
import type { ConnectEvent, ConnectOptions } from "../../lib/net/connect.ts";
import { openVerifiedSession } from "../../lib/net/verified_session.ts";

const SERIAL = DEFAULT_DEVICE.serial;
const PORT = 554;

interface Scene extends AsyncDisposable {
  readonly world: RunningWorld;
  readonly options: ConnectOptions;
  readonly warnings: string[];
}

/** A device with one port, which takes signs as told. */
async function scene(sign: SignTaste, connDelayMs = 0): Promise<Scene> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.TcpConn[] = [];
  const accepting = (async (): Promise<void> => {
    for await (const connection of listener) connections.push(connection);
  })();
  const { port } = listener.addr as Deno.NetAddr;
  const services = new Map([[PORT, { hostname: "127.0.0.1", port }]]);
  const world = await startWorld({ devices: [{ sign, services, connDelayMs }] });
  const warnings: string[] = [];
  const onEvent = (event: ConnectEvent): void => {
    if (event.type === "warning") warnings.push(event.failure.reason);
  };
  return {
    world,
    warnings,
    options: { cloud: { host: "127.0.0.1", port: world.cloudPort }, onEvent },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await world.close();
      listener.close();
      await accepting;
      for (const connection of connections) connection.close();
    },
  };
}

Deno.test("a session is verified by its ports, and what worked is remembered", async () => {
  await using s = await scene("required");
  const memory = new Memory(Date.now);
  const verified = await openVerifiedSession(SERIAL, [PORT, 37777], { ...s.options, memory });
  await verified.session.close();
  assertEquals([...verified.granted], [PORT]);
  assertEquals(verified.failures.map(({ reason }) => reason), ["port-closed"]);
  assertEquals(verified.route.sign, "ask");
  assertEquals(memory.recall(SERIAL), verified.route);
  assertEquals(s.warnings, []);
});

Deno.test("no port at all is a failure, and nothing is remembered", async () => {
  await using s = await scene("optional");
  const memory = new Memory(Date.now);
  const error = await assertRejects(
    () => openVerifiedSession(SERIAL, [1], { ...s.options, memory }),
    FailureError,
  );
  assertEquals(error.reason, "port-closed");
  assertEquals(memory.size, 0);
  assertEquals(s.world.counters.sessionsPeak <= 2, true, "relay and direct, once");
});

Deno.test("a remembered sign choice is taken up, and one that is given beats it", async () => {
  await using s = await scene("optional");
  const memory = new Memory(Date.now);
  const cloud = `127.0.0.1:${s.world.cloudPort}`;
  memory.remember(SERIAL, { cloud, dialect: "smartpss", sign: "skip", path: "direct" });
  const options = { ...s.options, memory };
  const recalled = await openVerifiedSession(SERIAL, [PORT], options);
  await recalled.session.close();
  assertEquals(recalled.route.sign, "skip");
  const told = await openVerifiedSession(SERIAL, [PORT], { ...options, sign: "ask" });
  await told.session.close();
  assertEquals(told.route.sign, "ask");
  assertEquals(memory.recall(SERIAL)!.sign, "ask");
});

Deno.test("a device that wants a sign and was shown none is asked again with one", async () => {
  await using s = await scene("required");
  const memory = new Memory(Date.now);
  const cloud = `127.0.0.1:${s.world.cloudPort}`;
  memory.remember(SERIAL, { cloud, dialect: "smartpss", sign: "skip", path: "direct" });
  const options: ConnectOptions = { ...s.options, memory, bindTimeoutMs: 300 };
  const verified = await openVerifiedSession(SERIAL, [PORT], options);
  await verified.session.close();
  assertEquals(verified.route.sign, "ask");
  assertEquals(s.warnings, ["sessions-full"]);
  assertEquals(memory.recall(SERIAL)!.sign, "ask");
  assert(s.world.counters.bindsIgnored > 0);
});

Deno.test("the time for the handshake covers the answer to the first BIND", async () => {
  await using s = await scene("optional", 60_000);
  const startedAt = performance.now();
  const error = await assertRejects(
    () => openVerifiedSession(SERIAL, [PORT], { ...s.options, timeoutMs: 2_000 }),
    FailureError,
  );
  assertEquals(error.reason, "sessions-full");
  const elapsedMs = performance.now() - startedAt;
  assert(elapsedMs > 1_500 && elapsedMs < 5_000, `${elapsedMs} ms`);
});
