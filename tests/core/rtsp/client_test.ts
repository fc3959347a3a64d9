import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { StateError } from "../../../lib/core/errors.ts";
import { digestResponse, parseAuthSchemes } from "../../../lib/core/rtsp/digest.ts";
import { headerValue, type RtspRequestHead } from "../../../lib/core/rtsp/message.ts";
import {
  type CameraScript,
  challenge,
  DESCRIPTION,
  rtp,
  ScriptedCamera,
} from "./scripted_camera.ts";

const LOGIN = { username: "viewer", password: "pa:ss" };
const STREAMS = [1, 2, 3].map((channel) => ({
  channel,
  url: `rtsp://127.0.0.1:554/cam/realmonitor?channel=${channel}&subtype=0`,
}));

/** Lets in who answers the challenge rightly, or everybody with any answer. */
function guarded(then: CameraScript, judge: (head: RtspRequestHead) => boolean): CameraScript {
  return (head, before) => {
    if (headerValue(head, "Authorization") === undefined || !judge(head)) {
      return { status: 401, headers: challenge() };
    }
    return then(head, before);
  };
}

const DESCRIBES: CameraScript = ({ method }) =>
  method === "DESCRIBE" ? { status: 200, body: DESCRIPTION } : {
    status: 200,
    headers: [["Session", "42;timeout=60"]],
  };

Deno.test("an answer to OPTIONS is all that goal options wants, whatever its status", () => {
  for (const status of [200, 401, 404, 454, 501]) {
    const camera = new ScriptedCamera(() => ({ status })).start();
    assertEquals(camera.events, [{ type: "answered", status }, { type: "done" }]);
    assertEquals(camera.methods, ["OPTIONS"]);
    assertEquals(camera.client.pollDeadline(), undefined);
  }
});

Deno.test("refusals of everybody are told apart from refusals of a login", () => {
  const table: readonly [number, string, string][] = [
    [403, "Forbidden", "lockout"],
    [403, "Online user amount has reached the threshold", "rtsp-limit"],
    [453, "Not Enough Bandwidth", "rtsp-limit"],
    [503, "Service Unavailable", "rtsp-limit"],
  ];
  for (const [status, reason, expected] of table) {
    assertEquals(new ScriptedCamera(() => ({ status, reason })).start().end, expected);
  }
});

Deno.test("a login is proven once for each request, and never before a challenge", () => {
  const judged: boolean[] = [];
  const camera = new ScriptedCamera(
    guarded(DESCRIBES, (head) => {
      const answer = parseAuthSchemes(headerValue(head, "Authorization")!)[0]!;
      const right = answer.parameters.get("response") === digestResponse(
        { realm: "Login to x", nonce: "abc", algorithm: "MD5", qop: "none", stale: false },
        LOGIN,
        { method: head.method, uri: head.uri },
      );
      judged.push(right);
      return right;
    }),
    { goal: "describe", credentials: LOGIN, streams: STREAMS },
  ).start();
  assertEquals(camera.methods, ["OPTIONS", "DESCRIBE", "DESCRIBE", "DESCRIBE"]);
  assertEquals(judged, [true, true, true]);
  assertEquals(camera.events.map(({ type }) => type), [
    "answered",
    "described",
    "described",
    "described",
    "done",
  ]);
});

Deno.test("a wrong password is sent exactly once, however many streams there are", () => {
  for (const openOptions of [true, false]) {
    const camera = new ScriptedCamera(
      ({ method }) =>
        method === "OPTIONS" && openOptions
          ? { status: 200 }
          : { status: 401, headers: challenge() },
      { goal: "media", credentials: LOGIN, streams: STREAMS },
    ).start();
    assertEquals(camera.logins, 1);
    assertEquals(camera.end, "rtsp-unauthorized");
    assertEquals(camera.methods.at(-1), "DESCRIBE");
  }
});

Deno.test("a nonce that was too old is answered anew once: nothing was judged", () => {
  const stale: CameraScript = ({ method }) =>
    method === "OPTIONS" ? { status: 200 } : { status: 401, headers: challenge(", stale=true") };
  const camera = new ScriptedCamera(stale, { goal: "describe", credentials: LOGIN }).start();
  assertEquals(camera.logins, 2);
  assertEquals(camera.end, "rtsp-unauthorized");
});

Deno.test("a login that is known to be right means a limit when it is refused", () => {
  const refuses: CameraScript = () => ({ status: 401, headers: challenge() });
  const proven = new ScriptedCamera(refuses, {
    goal: "describe",
    credentials: LOGIN,
    account: "proven",
  }).start();
  assertEquals([proven.end, proven.logins], ["rtsp-limit", 1]);
  let served = 0;
  const later = new ScriptedCamera(guarded(DESCRIBES, () => served++ < 1), {
    goal: "describe",
    credentials: LOGIN,
    streams: STREAMS,
  }).start();
  assertEquals([later.end, later.logins], ["rtsp-limit", 2]);
});

Deno.test("a password is never sent where it could be read", () => {
  const camera = new ScriptedCamera(
    () => ({ status: 401, headers: [["WWW-Authenticate", 'Basic realm="x"']] }),
    { goal: "describe", credentials: LOGIN },
  ).start();
  assertEquals([camera.end, camera.logins], ["rtsp-unauthorized", 0]);
});

Deno.test("SHA-256 is answered with SHA-256 and a fresh client nonce", () => {
  const camera = new ScriptedCamera(
    (head) =>
      headerValue(head, "Authorization")
        ? { status: 200, body: DESCRIPTION }
        : { status: 401, headers: challenge(', qop="auth", algorithm=SHA-256') },
    { goal: "describe", credentials: { ...LOGIN, username: "Ü" } },
  ).start();
  assertEquals(camera.end, "done");
  const header = headerValue(camera.requests.at(-1)!, "Authorization")!;
  assertMatch(header, /algorithm=SHA-256.*nc=00000001.*cnonce="[0-9a-f]{16}"/);
  assertMatch(header, /username="Ã\u009c"/);
});

Deno.test("without credentials nothing is described, and nobody is asked for a login", () => {
  const camera = new ScriptedCamera(() => ({ status: 401, headers: challenge() }), {
    goal: "media",
  }).start();
  assertEquals([camera.end, camera.logins], ["rtsp-unauthorized", 0]);
});

Deno.test("channels there are not are named; only when there is none at all it has failed", () => {
  const only2: CameraScript = (head) =>
    head.method === "OPTIONS"
      ? { status: 200 }
      : head.uri.includes("channel=2")
      ? { status: 200, body: DESCRIPTION }
      : { status: 404 };
  const some = new ScriptedCamera(only2, { goal: "describe", streams: STREAMS }).start();
  assertEquals(some.events.map(({ type }) => type), [
    "answered",
    "missing",
    "described",
    "missing",
    "done",
  ]);
  const none = new ScriptedCamera(only2, { goal: "describe" }).start();
  assertEquals(none.end, "rtsp-not-found");
});

Deno.test("media is set up interleaved, watched for its time, and torn down", () => {
  const camera = new ScriptedCamera(DESCRIBES, { goal: "media", measureMs: 2_000 }).start();
  assertEquals(camera.methods, ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]);
  const setup = camera.requests[2]!;
  assertEquals(
    setup.uri,
    "rtsp://127.0.0.1:554/cam/realmonitor?channel=1&subtype=0/trackID=0",
  );
  assertEquals(headerValue(setup, "Transport"), "RTP/AVP/TCP;unicast;interleaved=0-1");
  assertEquals(headerValue(camera.requests[3]!, "Session"), "42");
  for (let i = 0; i < 50; i++) {
    camera.now += 40;
    const payload = i === 5 ? [0x65, 1, 2, 3] : [0x41, 1, 2, 3];
    camera.send(rtp({ sequence: 65_530 + i & 0xffff, timestamp: i * 3_600, payload }));
    camera.send(rtp({ sequence: i, timestamp: i, payload: [0], channel: 1 }));
  }
  camera.now = 3_000;
  camera.client.handleTimeout(camera.now);
  camera.send(new Uint8Array());
  assertEquals(camera.methods.at(-1), "TEARDOWN");
  assertEquals(camera.end, "done");
  const measured = camera.events.find((event) => event.type === "measured")!;
  assertEquals(measured.figures, {
    keyFrameMs: 240,
    firstPacketMs: 40,
    frames: 50,
    framesPerSecond: 25,
    bitsPerSecond: 800,
    packets: 50,
    packetsMissing: 0,
    packetsBroken: 0,
  });
});

Deno.test("media without a key frame is no picture, and media that never comes neither", () => {
  const none = new ScriptedCamera(DESCRIBES, { goal: "media" }).start();
  none.expire();
  none.expire();
  assertEquals(none.end, "data-stalled");
  assertEquals(none.now, 11_000);
  const late = new ScriptedCamera(DESCRIBES, { goal: "media", measureMs: 1_000 }).start();
  late.send(rtp({ sequence: 1, timestamp: 1, payload: [0x41] }));
  late.expire();
  assertEquals(late.end, "described");
  late.now += 500;
  late.send(rtp({ sequence: 2, timestamp: 2, payload: [0x65] }));
  assertEquals(late.end, "done");
});

Deno.test("silence has a name for each place it comes at", () => {
  const mute = new ScriptedCamera(() => "silence").start();
  assertEquals(mute.client.pollDeadline(), { at: 9_000, reason: "answer" });
  mute.now = 8_999;
  mute.client.handleTimeout(mute.now);
  assertEquals(mute.end, undefined);
  mute.expire();
  assertEquals(mute.end, "relay-zombie");
  const half = new ScriptedCamera(
    ({ method }) => method === "OPTIONS" ? { status: 200 } : "silence",
    { goal: "describe" },
  ).start();
  half.expire();
  assertEquals(half.end, "data-stalled");
  const rude = new ScriptedCamera(
    (head, before) => head.method === "TEARDOWN" ? "silence" : DESCRIBES(head, before),
    { goal: "media", measureMs: 500 },
  ).start();
  rude.send(rtp({ sequence: 2, timestamp: 2, payload: [0x65] }));
  rude.expire();
  rude.expire();
  assertEquals(rude.end, "done");
});

Deno.test("a connection that is closed half-way is a limit, not a success", () => {
  assertEquals(new ScriptedCamera(() => "close").start().end, "rtsp-limit");
  const later: CameraScript = ({ method }) => method === "DESCRIBE" ? "close" : { status: 200 };
  assertEquals(new ScriptedCamera(later, { goal: "describe" }).start().end, "rtsp-limit");
});

Deno.test("what is no RTSP, no description or no video is said to be so", () => {
  const http = new ScriptedCamera(() => "silence").start();
  http.send(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
  assertEquals(http.end, "protocol");
  const endless = new ScriptedCamera(() => "silence").start();
  endless.send(new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n"));
  assertEquals(endless.end, undefined);
  endless.expire();
  assertEquals(endless.end, "protocol");
  const describes = (body: string): CameraScript => ({ method }) =>
    method === "OPTIONS" ? { status: 200 } : { status: 200, body };
  const bad = new ScriptedCamera(describes("<html>"), { goal: "describe" }).start();
  assertEquals(bad.end, "protocol");
  const deaf = new ScriptedCamera(describes("v=0\r\nm=audio 0 RTP/AVP 8\r\n"), { goal: "media" });
  assertEquals(deaf.start().end, "rtsp-not-found");
  const refused = new ScriptedCamera(
    (head, before) => head.method === "SETUP" ? { status: 461 } : DESCRIBES(head, before),
    { goal: "media" },
  );
  assertEquals(refused.start().end, "protocol");
});

Deno.test("answers to nothing and to something else are ignored", () => {
  const camera = new ScriptedCamera(() => "silence").start();
  camera.send(new TextEncoder().encode("RTSP/1.0 200 OK\r\nCSeq: 99\r\n\r\n"));
  camera.send(new TextEncoder().encode("RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\n"));
  camera.send(new TextEncoder().encode("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"));
  assertEquals(camera.events, []);
  camera.send(new TextEncoder().encode("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"));
  assertEquals(camera.end, "done");
});

Deno.test("any bytes at all end in an event or are waited out, never in an exception", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("options", "describe", "media" as const),
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }),
      (goal, chunks) => {
        const camera = new ScriptedCamera(DESCRIBES, {
          goal: goal as "options" | "describe" | "media",
        }).start();
        for (const chunk of chunks) camera.send(chunk);
        for (let i = 0; i < 5 && camera.client.pollDeadline(); i++) camera.expire();
        assert(camera.end === "done" || camera.client.pollDeadline() === undefined);
      },
    ),
  );
});

Deno.test("a client needs a stream and starts once", () => {
  assertThrows(() => new ScriptedCamera(DESCRIBES, { streams: [] }), RangeError);
  assertThrows(() => new ScriptedCamera(DESCRIBES).start().start(), StateError);
});

Deno.test("no event and no failure holds the password", () => {
  const camera = new ScriptedCamera(() => ({ status: 401, headers: challenge() }), {
    goal: "describe",
    credentials: LOGIN,
  }).start();
  assert(!JSON.stringify(camera.events).includes(LOGIN.password));
});
