import { assert, assertEquals } from "@std/assert";
import type { Unavailability } from "../../lib/core/rtsp/unavailable.ts";
import { Forwarder, type ForwarderEvent, type StreamSource } from "../../lib/net/forwarder.ts";
import { RealmStream } from "../../lib/net/realm_stream.ts";

/** A device that comes and goes; its streams say hello and end. */
class FakeSource implements StreamSource {
  outage: Unavailability | undefined = { reason: "peer-silent", retryInMs: 30_000 };
  /** Streams that last until somebody ends them, when that is wanted. */
  lasting: RealmStream[] | undefined;
  readonly #up = Promise.withResolvers<void>();

  come(): void {
    this.outage = undefined;
    this.#up.resolve();
  }

  async whenUp(limitMs: number): Promise<void> {
    if (limitMs > 0) await this.#up.promise;
  }

  connect(_port: number): RealmStream | undefined {
    if (this.outage) return undefined;
    const chunks = [new TextEncoder().encode("hello")];
    const stream = new RealmStream({
      write: (bytes) => bytes.length,
      read: () => chunks.splice(0),
      finish: () => {},
      close: () => {},
    });
    stream.onConnected();
    stream.onReadable();
    if (this.lasting) this.lasting.push(stream);
    else queueMicrotask(() => stream.onClosed("device"));
    return stream;
  }
}

interface Stage extends AsyncDisposable {
  readonly source: FakeSource;
  readonly forwarder: Forwarder;
  readonly events: ForwarderEvent[];
  connect(): Promise<Deno.TcpConn>;
}

function stage(remotePort: number, options: { waitMs?: number; maxClients?: number } = {}): Stage {
  const source = new FakeSource();
  const events: ForwarderEvent[] = [];
  const forwarder = new Forwarder(source, {
    maxClients: 32,
    waitMs: 0,
    ...options,
    onEvent: (event) => events.push(event),
  });
  const [port] = forwarder.open([{ bind: "127.0.0.1", localPort: 0, remotePort }]);
  return {
    source,
    forwarder,
    events,
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: port! }),
    async [Symbol.asyncDispose](): Promise<void> {
      forwarder.abortClients();
      await forwarder.close();
    },
  };
}

async function readAll(conn: Deno.TcpConn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(4096);
  try {
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      text += new TextDecoder().decode(buffer.subarray(0, n));
    }
  } finally {
    conn.close();
  }
  return text;
}

const send = (conn: Deno.TcpConn, text: string): Promise<number> =>
  conn.write(new TextEncoder().encode(text));

Deno.test("a player that comes while there is no session reads why, at once", async () => {
  await using at = stage(554);
  const startedAt = performance.now();
  const conn = await at.connect();
  await send(conn, "OPTIONS rtsp://127.0.0.1/ RTSP/1.0\r\nCS");
  await send(conn, "eq: 3\r\n\r\n");
  assertEquals(
    await readAll(conn),
    "RTSP/1.0 503 Service Unavailable (peer-silent, next try in 30s)\r\n" +
      "CSeq: 3\r\nRetry-After: 30\r\nConnection: close\r\n\r\n",
  );
  assert(performance.now() - startedAt < 1_000);
  assertEquals(at.events.map(({ type }) => type), ["client-unserved"]);
});

Deno.test("another port is closed without a word", async () => {
  await using at = stage(80);
  assertEquals(await readAll(await at.connect()), "");
});

Deno.test("whoever speaks no RTSP on its port is closed without a word", async () => {
  await using at = stage(554);
  const conn = await at.connect();
  await send(conn, "GET / HTTP/1.1\r\n\r\n");
  assertEquals(await readAll(conn), "");
});

Deno.test("a client that may wait is served when the session comes, its bytes unread till then", async () => {
  await using at = stage(554, { waitMs: 60_000 });
  const conn = await at.connect();
  await send(conn, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  while (at.forwarder.clients === 0) await new Promise((wake) => setTimeout(wake, 1));
  at.source.come();
  assertEquals(await readAll(conn), "hello");
  assertEquals(at.events.map(({ type }) => type), ["client-opened", "client-closed"]);
});

Deno.test("clients that wait count against the limit", async () => {
  await using at = stage(554, { waitMs: 60_000, maxClients: 1 });
  const first = await at.connect();
  while (at.forwarder.clients === 0) await new Promise((wake) => setTimeout(wake, 1));
  assertEquals(await readAll(await at.connect()), "");
  assertEquals(at.events, [{ type: "client-turned-away", remotePort: 554, limit: 1 }]);
  at.source.come();
  assertEquals(await readAll(first), "hello");
});

Deno.test("closing the forwarder lets go of clients that say nothing", async () => {
  const at = stage(554);
  const conn = await at.connect();
  while (at.forwarder.clients === 0) await new Promise((wake) => setTimeout(wake, 1));
  await at[Symbol.asyncDispose]();
  assertEquals(at.forwarder.clients, 0);
  await readAll(conn).catch(() => {});
});

Deno.test("the ninth client is warned of once, the eighth not at all", async () => {
  await using at = stage(80);
  at.source.come();
  at.source.lasting = [];
  const conns: Deno.TcpConn[] = [];
  const warnings = (): number => at.events.filter(({ type }) => type === "warning").length;
  for (const [clients, expected] of [[8, 0], [9, 1], [11, 1]] as const) {
    while (conns.length < clients) conns.push(await at.connect());
    while (at.forwarder.clients < clients) await new Promise((wake) => setTimeout(wake, 1));
    assertEquals(warnings(), expected, `${clients} clients`);
  }
  for (const conn of conns) conn.close();
});

Deno.test("a client closed for reading slowly is named in a warning", async () => {
  await using at = stage(80);
  at.source.come();
  at.source.lasting = [];
  const conn = await at.connect();
  while (at.source.lasting.length === 0) await new Promise((wake) => setTimeout(wake, 1));
  at.source.lasting[0]!.onClosed("slow-client");
  await readAll(conn).catch(() => {});
  while (at.forwarder.clients > 0) await new Promise((wake) => setTimeout(wake, 1));
  const warnings = at.events.filter((event) => event.type === "warning");
  assertEquals(warnings.map(({ failure }) => failure.reason), ["slow-client"]);
});
