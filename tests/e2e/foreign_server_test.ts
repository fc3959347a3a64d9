import { assertEquals } from "@std/assert";
import { startGStreamer } from "../support/gstreamer.ts";
import { assertPlayed, play } from "../support/player.ts";
import { LOGIN, readyPort, Stage } from "../support/stage.ts";

Deno.test("a foreign RTSP server and a plain HTTP server are reached through one session", async () => {
  await using rtsp = await startGStreamer();
  const page = "plain HTTP, ".repeat(20_000);
  await using http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(page),
  );
  await using stage = await Stage.open({
    services: new Map([
      [554, { hostname: "127.0.0.1", port: rtsp.port }],
      [80, { hostname: "127.0.0.1", port: http.addr.port }],
    ]),
  });
  await using tunnel = stage.tunnel(["-L", "0:554", "-L", "0:80"]);
  const rtspPort = readyPort(await tunnel.line(/^READY .* remote=554 /));
  const httpPort = readyPort(await tunnel.line(/^READY .* remote=80 /));
  const sessions = stage.world.counters.sessionsOpened;
  const url = `rtsp://${LOGIN.username}:${LOGIN.password}@127.0.0.1:${rtspPort}/live`;
  const [plain, tcp, ...pages] = await Promise.all([
    play(url, 90),
    play(url, 90, ["-rtsp_transport", "tcp"]),
    ...Array.from(
      { length: 8 },
      async () => await (await fetch(`http://127.0.0.1:${httpPort}/`)).text(),
    ),
  ]);
  assertPlayed(plain, 90);
  assertEquals(plain.udpRefused, 1);
  assertPlayed(tcp, 90);
  assertEquals(pages, Array.from({ length: 8 }, () => page));
  assertEquals(stage.world.counters.sessionsOpened, sessions);
});
