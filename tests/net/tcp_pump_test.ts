import { assert, assertEquals } from "@std/assert";
import type { StreamReport } from "../../lib/core/relay/stream.ts";
import { TcpPump, type TcpPumpHandlers } from "../../lib/net/tcp_pump.ts";

/** A machine that remembers what it is told and gives out what it has. */
class Machine implements TcpPumpHandlers {
  readonly reports: StreamReport["type"][] = [];
  readonly output: Uint8Array[] = [];
  received = 0;
  paused = false;
  /** Called after each report. */
  onChange: () => void = () => {};

  readonly onReport = (report: StreamReport): void => {
    if (report.type === "bytes") this.received += report.bytes.length;
    else this.reports.push(report.type);
    this.onChange();
  };
  readonly take = (): Uint8Array | undefined => this.output.shift();
  readonly isPaused = (): boolean => this.paused;

  /** Resolves once `condition` holds after a report. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      this.onChange = () => {
        if (condition()) resolve();
      };
    });
  }
}

/** A listener on a free port and the first connection to it. */
class Peer implements AsyncDisposable {
  readonly listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conn = this.listener.accept();

  get endpoint(): { ip: string; port: number } {
    return { ip: "127.0.0.1", port: this.listener.addr.port };
  }

  get conn(): Promise<Deno.TcpConn> {
    return this.#conn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listener.close();
    try {
      (await this.#conn).close();
    } catch {
      // Never connected, or closed by the test.
    }
  }
}

Deno.test("bytes go both ways, and the other side's end is told once", async () => {
  await using peer = new Peer();
  const machine = new Machine();
  machine.output.push(new TextEncoder().encode("one "));
  const pump = TcpPump.connect(peer.endpoint, machine);
  const conn = await peer.conn;
  const buffer = new Uint8Array(100);
  assertEquals(await conn.read(buffer), 4);
  machine.output.push(new TextEncoder().encode("two"));
  pump.output();
  assertEquals(await conn.read(buffer), 3);
  await conn.write(new Uint8Array(1000));
  await machine.until(() => machine.received === 1000);
  conn.closeWrite();
  await machine.until(() => machine.reports.includes("ended"));
  await pump.done;
  assertEquals(machine.reports, ["connected", "ended"]);
});

Deno.test("a port where nobody listens is an end without a connection", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const machine = new Machine();
  const pump = TcpPump.connect({ ip: "127.0.0.1", port }, machine);
  await pump.done;
  assertEquals(machine.reports, ["ended"]);
});

Deno.test("while the machine pauses, the other side's bytes stay in the kernel", async () => {
  await using peer = new Peer();
  const machine = new Machine();
  machine.paused = true;
  const pump = TcpPump.connect(peer.endpoint, machine);
  const conn = await peer.conn;
  const total = 32_000_000;
  const chunk = new Uint8Array(1_000_000);
  let written = 0;
  const writing = (async () => {
    while (written < total) written += await conn.write(chunk.subarray(0, total - written));
  })();
  await machine.until(() => machine.reports.includes("connected"));
  // The writer comes to rest when the kernel's buffers are full.
  for (let last = -1; last !== written;) {
    last = written;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  assert(written < total, `${written} bytes went somewhere`);
  assertEquals(machine.received, 0);
  machine.paused = false;
  pump.resume();
  await Promise.all([writing, machine.until(() => machine.received === total)]);
  pump.close();
  await pump.done;
  assertEquals(machine.reports, ["connected"], "who closes is not told of the end");
});

Deno.test("closing early, twice, or during the connect leaves nothing behind", async () => {
  await using peer = new Peer();
  const machine = new Machine();
  const early = TcpPump.connect(peer.endpoint, machine);
  early.close();
  early.close();
  await early.done;
  assertEquals(machine.reports, []);
  const second = new Machine();
  const pump = TcpPump.connect(peer.endpoint, second);
  await second.until(() => second.reports.includes("connected"));
  pump.close();
  pump.output();
  pump.resume();
  await pump.done;
  assertEquals(second.reports, ["connected"]);
});

Deno.test("a connection that is there already is taken over", async () => {
  await using peer = new Peer();
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: peer.endpoint.port });
  const machine = new Machine();
  const pump = TcpPump.over(conn, machine);
  await (await peer.conn).write(new Uint8Array(5));
  await machine.until(() => machine.received === 5);
  pump.close();
  await pump.done;
  assertEquals(machine.reports, ["connected"]);
});
