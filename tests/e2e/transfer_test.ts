import { assertEquals } from "@std/assert";
import { bulkHash, download, startSink, startSource, upload } from "../support/bulk.ts";
import type { WorldOptions } from "../../fixtures/world/options.ts";
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { systemEnvironment } from "../../lib/net/environment.ts";
import { Forwarder, type StreamSource } from "../../lib/net/forwarder.ts";
import { Session } from "../../lib/net/session.ts";
import { readyPort, SERIAL, Stage } from "../support/stage.ts";

const MB = 1_000_000;

type Path = "direct" | "relay";

const IMPAIRMENT = { lossRate: 0.02, duplicationRate: 0.02, reorderRate: 0.05 };

for (const path of ["direct", "relay"] as const) {
  Deno.test(`100 MB down and 20 MB up are byte-exact over the ${path} path`, async () => {
    await transfer(path, 100 * MB, 20 * MB);
  });
  Deno.test(`20 MB down and 5 MB up survive loss, duplicates and reordering over the ${path} path`, async () => {
    await transfer(path, 20 * MB, 5 * MB, { data: IMPAIRMENT, seed: 11 });
  });
}

/** Both ways through the program. */
async function transfer(
  path: Path,
  downBytes: number,
  upBytes: number,
  world: Omit<WorldOptions, "devices"> = {},
): Promise<void> {
  await using source = startSource(downBytes, 7);
  await using sink = startSink(upBytes);
  await using stage = await Stage.open({
    services: new Map([[8001, source], [8002, sink]]),
    world,
  });
  await using tunnel = stage.tunnel(["-L", "0:8001", "-L", "0:8002", "--path", path]);
  const downPort = readyPort(await tunnel.line(/^READY .* remote=8001 /));
  const upPort = readyPort(await tunnel.line(/^READY .* remote=8002 /));
  assertEquals(await download(downPort), { bytes: downBytes, hash: bulkHash(downBytes, 7) });
  assertEquals(await upload(upPort, upBytes, 8), bulkHash(upBytes, 8));
}

Deno.test("20 MB down and 5 MB up are byte-exact across the wrap of both sequence numbers", async () => {
  const downBytes = 20 * MB;
  const upBytes = 5 * MB;
  const ours = 2 ** 32 - 100_000;
  const theirs = 2 ** 32 - 1_000_000;
  await using source = startSource(downBytes, 9);
  await using sink = startSink(upBytes);
  await using stage = await Stage.open({
    device: { initialSequence: theirs, initialPeerSequence: ours },
    services: new Map([[8001, source], [8002, sink]]),
    world: { data: IMPAIRMENT, seed: 12 },
  });
  const session = await Session.open({
    serial: SERIAL,
    dialect: SMARTPSS,
    servers: [{ ip: "127.0.0.1", port: stage.world.cloudPort }],
    environment: systemEnvironment(),
    ptcp: { initialSequence: ours, initialPeerSequence: theirs },
  });
  const streams: StreamSource = {
    connect: (port) => session.connect(port),
    outage: undefined,
    whenUp: () => Promise.resolve(),
  };
  const forwarder = new Forwarder(streams, { maxClients: 2, onEvent: () => {} });
  const [downPort, upPort] = forwarder.open([
    { bind: "127.0.0.1", localPort: 0, remotePort: 8001 },
    { bind: "127.0.0.1", localPort: 0, remotePort: 8002 },
  ]);
  try {
    assertEquals(await download(downPort!), { bytes: downBytes, hash: bulkHash(downBytes, 9) });
    assertEquals(await upload(upPort!, upBytes, 10), bulkHash(upBytes, 10));
  } finally {
    await session.close();
    await forwarder.close();
  }
});
