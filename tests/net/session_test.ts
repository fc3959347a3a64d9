import { assertEquals, assertRejects } from "@std/assert";
import { startWorld } from "../../fixtures/world/deno_shell.ts";
import { DEFAULT_DEVICE } from "../../fixtures/world/options.ts";
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { systemEnvironment } from "../../lib/net/environment.ts";
import { connectDevice } from "../../lib/net/connect.ts";
import { Session } from "../../lib/net/session.ts";

Deno.test("a session whose settings contradict each other leaves no socket behind", async () => {
  await assertRejects(
    () =>
      Session.open({
        serial: "not a serial",
        path: "auto",
        authType: "auto",
        dialect: SMARTPSS,
        servers: [{ ip: "127.0.0.1", port: 9 }],
        environment: systemEnvironment(undefined),
      }),
    RangeError,
  );
});

Deno.test("a session that ends takes its streams with it, waiting or not", async () => {
  const world = await startWorld();
  const session = await connectDevice(DEFAULT_DEVICE.serial, {
    cloud: { host: "127.0.0.1", port: world.cloudPort },
  });
  const streams = [session.connect(1), session.connect(2)];
  const reads = streams.map((stream) => stream.read());
  await session.abandon();
  assertEquals(await Promise.all(streams.map(({ ended }) => ended)), [
    "session-lost",
    "session-lost",
  ]);
  assertEquals(await Promise.all(reads), [undefined, undefined]);
  assertEquals(await session.connect(3).opened, "failed");
  await world.close();
});
