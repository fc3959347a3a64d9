import { assert, assertEquals, assertMatch } from "@std/assert";
import { startProgram, Watched } from "./program.ts";

Deno.test({
  name: "the demonstration serves the simulated camera until it is stopped, and then ends cleanly",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    const process = startProgram(["demo", "-L", "0:554", "-L", "[::1]:0:80"]);
    const [out, err] = [new Watched(process.stdout), new Watched(process.stderr)];
    await err.until(/Ctrl-C/);
    const [first, second, ...more] = out.text.split("\n");
    assertMatch(
      first ?? "",
      /^READY name=EXA\.\.\.AL0 port=127\.0\.0\.1:(\d+) remote=554 path=direct rtt=\d+ms handshake=\S+ url=rtsp:\/\/127\.0\.0\.1:\1\/cam\/realmonitor\?channel=1&subtype=0$/,
    );
    assertMatch(
      second ?? "",
      /^READY name=EXA\.\.\.AL0 port=\[::1\]:\d+ remote=80 path=direct rtt=\d+ms handshake=\S+$/,
    );
    assertEquals(more, [""]);
    const port = second?.match(/:(\d+) remote/)?.[1];
    const page = await (await fetch(`http://[::1]:${port}/`)).text();
    assertEquals(page, "This is the web page of the simulated camera.\n");
    process.kill("SIGTERM");
    const { code } = await process.status;
    assertEquals([code, (await out.all()).split("\n").length], [0, 3], await err.all());
    assert(err.text.includes("rtsp://admin:admin123@127.0.0.1:"));
  },
});

Deno.test({
  name: "a demonstration whose port is taken fails before anything else, with the port's reason",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const process = startProgram(["demo", "-L", `${listener.addr.port}:554`]);
    const [out, err] = [new Watched(process.stdout), new Watched(process.stderr)];
    const { code } = await process.status;
    assertEquals([code, await out.all()], [73, ""], await err.all());
    assertMatch(
      err.text,
      /^\S+Z error\[listen-in-use\] EXA\.\.\.AL0: 127\.0\.0\.1:\d+ is in use\. .*\n$/,
    );
  },
});
