// deno-lint-ignore-file no-console -- what it prints is its result
/**
 * A TCP service for the far end of a tunnel, in a process of its own. The first line of a client
 * chooses: `send N` answers N bytes and closes; `sink N` reads N bytes and answers one line;
 * `echo N` answers every N bytes with N bytes.
 * Prints its port and runs until stdin ends.
 *
 * @module
 */
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ port: listener.addr.port }));
const block = new Uint8Array(65_536).map((_, i) => i * 31);

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(65_536);
  let text = "";
  let rest = 0;
  while (!text.includes("\n")) {
    const length = await conn.read(buffer);
    if (length === null) return;
    const line = buffer.subarray(0, length);
    const end = line.indexOf(10);
    text += new TextDecoder().decode(end < 0 ? line : line.subarray(0, end + 1));
    rest = end < 0 ? 0 : length - end - 1;
  }
  const [verb, countText] = text.trim().split(" ");
  const count = Number(countText);
  if (verb === "send") {
    for (let left = count; left > 0; left -= block.length) {
      await writeAll(conn, block.subarray(0, Math.min(left, block.length)));
    }
  } else if (verb === "sink") {
    for (let got = rest; got < count;) {
      const length = await conn.read(buffer);
      if (length === null) return;
      got += length;
    }
    await writeAll(conn, new TextEncoder().encode("done\n"));
    await conn.read(buffer);
  } else {
    for (let got = rest;;) {
      while (got >= count) {
        await writeAll(conn, block.subarray(0, count));
        got -= count;
      }
      const length = await conn.read(buffer);
      if (length === null) return;
      got += length;
    }
  }
}

async function accept(): Promise<void> {
  for (;;) {
    let conn: Deno.TcpConn;
    try {
      conn = await listener.accept();
    } catch {
      return;
    }
    serve(conn).catch(() => {}).finally(() => {
      try {
        conn.close();
      } catch {
        // The other end was faster.
      }
    });
  }
}

const accepting = accept();
for await (const _ of Deno.stdin.readable);
listener.close();
await accepting;
Deno.exit(0);
