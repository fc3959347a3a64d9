import { assertEquals } from "@std/assert";
import { lostLine, type ReadyFacts, readyLine, streamUrl } from "../../lib/cli/data_line.ts";

const READY: ReadyFacts = {
  name: "7C0...01F",
  hostname: "127.0.0.1",
  port: 1554,
  remotePort: 554,
  path: "direct",
  roundTripMs: 38.2,
  handshakeMs: 1912,
};

Deno.test("the READY line is frozen", () => {
  assertEquals(
    readyLine(READY, "text"),
    "READY name=7C0...01F port=127.0.0.1:1554 remote=554 path=direct rtt=38ms handshake=1.9s " +
      "url=rtsp://127.0.0.1:1554/cam/realmonitor?channel=1&subtype=0",
  );
  assertEquals(
    readyLine({ ...READY, remotePort: 80, port: 8080, path: "relay" }, "text"),
    "READY name=7C0...01F port=127.0.0.1:8080 remote=80 path=relay rtt=38ms handshake=1.9s",
  );
});

Deno.test("an IPv6 listener stands in brackets, and a wildcard one is reached through loopback", () => {
  assertEquals(
    readyLine({ ...READY, hostname: "::1" }, "text"),
    "READY name=7C0...01F port=[::1]:1554 remote=554 path=direct rtt=38ms handshake=1.9s " +
      "url=rtsp://[::1]:1554/cam/realmonitor?channel=1&subtype=0",
  );
  assertEquals(
    streamUrl("0.0.0.0", 1554),
    "rtsp://127.0.0.1:1554/cam/realmonitor?channel=1&subtype=0",
  );
  assertEquals(streamUrl("::", 1, "a:b"), "rtsp://a:b@[::1]:1/cam/realmonitor?channel=1&subtype=0");
});

Deno.test("the LOST line is frozen", () => {
  assertEquals(
    lostLine({ name: "7C0...01F", reason: "peer-silent", upMs: 15_120_000 }, "text"),
    "LOST name=7C0...01F reason=peer-silent after=4h12m",
  );
});

Deno.test("the JSON lines are frozen", () => {
  assertEquals(
    readyLine(READY, "json"),
    '{"event":"ready","name":"7C0...01F","port":"127.0.0.1:1554","remote":554,"path":"direct",' +
      '"rttMs":38,"handshakeMs":1912,' +
      '"url":"rtsp://127.0.0.1:1554/cam/realmonitor?channel=1&subtype=0"}',
  );
  assertEquals(
    readyLine({ ...READY, remotePort: 80 }, "json"),
    '{"event":"ready","name":"7C0...01F","port":"127.0.0.1:1554","remote":80,"path":"direct",' +
      '"rttMs":38,"handshakeMs":1912}',
  );
  assertEquals(
    lostLine({ name: "7C0...01F", reason: "peer-silent", upMs: 4000.4 }, "json"),
    '{"event":"lost","name":"7C0...01F","reason":"peer-silent","afterMs":4000}',
  );
});
