import { assertEquals, assertThrows } from "@std/assert";
import { FailureError } from "../../lib/core/failure.ts";
import { serveStatus } from "../../lib/net/status_server.ts";

async function statusOf(port: number, host: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await conn.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(1024);
  let text = "";
  for (let n = await conn.read(buffer); n; n = await conn.read(buffer)) {
    text += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return text.split(" ")[1] ?? "";
}

Deno.test("on loopback only programs of this machine are answered, by whatever name they use", async () => {
  await using server = serveStatus("127.0.0.1", 0, () => new Response("ok"));
  for (const host of ["127.0.0.1", `localhost:${server.port}`, "[::1]:1", "127.1.2.3"]) {
    assertEquals(await statusOf(server.port, host), "200", host);
  }
  // A page in a browser whose name was made to point here.
  for (const host of ["attacker.example", "localhost.attacker.example", "10.0.0.1"]) {
    assertEquals(await statusOf(server.port, host), "421", host);
  }
});

Deno.test("an address that is taken is a failure that names it", async () => {
  await using server = serveStatus("127.0.0.1", 0, () => new Response("ok"));
  const error = assertThrows(
    () => serveStatus("127.0.0.1", server.port, () => new Response("ok")),
    FailureError,
  );
  assertEquals(error.reason, "listen-in-use");
});
