import { assertEquals } from "@std/assert";
import { LocalClient } from "../../lib/net/local_client.ts";
import { RealmStream } from "../../lib/net/realm_stream.ts";

/** A test that would wait for ever ends after this instead, and fails. */
const PATIENCE_MS = 3_000;

interface Pair extends AsyncDisposable {
  /** The local program's end. */
  readonly program: Deno.TcpConn;
  /** Ours. */
  readonly ours: Deno.TcpConn;
}

async function pair(): Promise<Pair> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [ours, program] = await Promise.all([
    listener.accept(),
    Deno.connect({ hostname: "127.0.0.1", port }),
  ]);
  let isOpen = true;
  const leave = (): void => {
    if (isOpen) program.close();
    isOpen = false;
  };
  const limit = setTimeout(leave, PATIENCE_MS);
  return {
    program,
    ours,
    async [Symbol.asyncDispose](): Promise<void> {
      clearTimeout(limit);
      leave();
      await Promise.resolve();
    },
  };
}

/** A device that sends without end, and how much of it was taken. */
function endlessStream(): { readonly stream: RealmStream; readonly taken: () => number } {
  let taken = 0;
  const stream = new RealmStream({
    write: (bytes) => bytes.length,
    read: (maxBytes) => {
      taken += maxBytes;
      return [new Uint8Array(maxBytes)];
    },
    finish: () => {},
    close: () => {},
  });
  return { stream, taken: () => taken };
}

/** Waits until a number no longer grows. */
async function settled(value: () => number): Promise<void> {
  for (let last = -1, same = 0; same < 10; last = value()) {
    await new Promise((wake) => setTimeout(wake, 2));
    same = value() === last ? same + 1 : 0;
  }
}

for (const reason of ["slow-client", "session-lost"]) {
  Deno.test(`a program that does not read is let go when its realm ends as ${reason}`, async () => {
    await using conns = await pair();
    const { stream, taken } = endlessStream();
    const running = new LocalClient({ conn: conns.ours, stream, remotePort: 80 }).run();
    stream.onConnected();
    await settled(taken);
    stream.onClosed(reason);
    assertEquals(await running, reason);
  });
}

Deno.test("a program that reads late gets all that came before the device closed", async () => {
  await using conns = await pair();
  const total = 20_000_000;
  let left = total;
  const stream: RealmStream = new RealmStream({
    write: (bytes) => bytes.length,
    read: (maxBytes) => {
      const length = Math.min(left, maxBytes);
      left -= length;
      return length === 0 ? [] : [new Uint8Array(length)];
    },
    finish: () => {},
    close: () => {},
  });
  const running = new LocalClient({ conn: conns.ours, stream, remotePort: 80 }).run();
  stream.onConnected();
  stream.onClosed("device");
  let received = 0;
  const buffer = new Uint8Array(1 << 20);
  for (let n = await conns.program.read(buffer); n !== null; n = await conns.program.read(buffer)) {
    received += n;
  }
  assertEquals(received, total);
  assertEquals(await running, "device");
});

Deno.test("a program that goes away while the device has not answered leaves no realm", async () => {
  await using conns = await pair();
  let closes = 0;
  const stream = new RealmStream({
    write: (bytes) => bytes.length,
    read: () => [],
    finish: () => stream.onClosed("finished"),
    close: () => closes++,
  });
  const running = new LocalClient({ conn: conns.ours, stream, remotePort: 554 }).run();
  await conns.program.closeWrite();
  stream.onConnected();
  assertEquals(await running, "finished");
  assertEquals(closes, 1);
});
