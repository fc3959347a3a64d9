import { assert, assertEquals, assertFalse } from "@std/assert";
import { resetSync } from "@std/log";
import { Log, type LogOptions } from "../../lib/cli/log.ts";
import { LineOutput } from "../../lib/cli/output.ts";
import { Redactor } from "../../lib/cli/redaction.ts";
import type { Failure } from "../../lib/core/failure.ts";

const SERIAL = "7C03E8CPAG0001F";

const FAILURE: Failure = {
  reason: "device-offline",
  what: "The cloud knows the device but it is offline",
  advice: "Check its power and internet line.",
  facts: { tries: 3, level: "no level", token: "abc" },
};

interface Recorder {
  readonly log: Log;
  readonly lines: () => string[];
  readonly redactor: Redactor;
}

function record(options: Partial<LogOptions> = {}, now: () => number = () => 0): Recorder {
  let text = "";
  const decoder = new TextDecoder();
  const sink = {
    writeSync(bytes: Uint8Array): number {
      text += decoder.decode(bytes);
      return bytes.length;
    },
  };
  const redactor = new Redactor();
  const log = new Log({
    level: "info",
    format: "text",
    audience: "terminal",
    color: "off",
    redactor,
    output: new LineOutput(sink, "discard"),
    ...options,
  }, now);
  return { log, redactor, lines: () => text.split("\n").slice(0, -1) };
}

/** Every kind of record once. */
function sayEverything(log: Log): void {
  log.setDevice("7C0...01F");
  log.failure(FAILURE);
  log.warning(FAILURE);
  log.notice("client-turned-away", "Turned a client away.", { limit: 32 });
  log.info("listen-fallback", "Using 1554.", { port: 1554 });
  log.phase("lookup", 212.4);
  log.debug("client-opened", "Client opened.", { client: "127.0.0.1:5" });
  log.trace({ at: 1234.4, scope: "ptcp", name: "retransmit", data: { sequence: 17, why: "a b" } });
}

const TEXT = [
  "error[device-offline] 7C0...01F: The cloud knows the device but it is offline. " +
  "Check its power and internet line.",
  "warning[device-offline] 7C0...01F: The cloud knows the device but it is offline. " +
  "Check its power and internet line.",
  "warn Turned a client away.",
  "Using 1554.",
  "  lookup   212ms",
  "debug Client opened.",
  'trace 1.234s ptcp retransmit sequence=17 why="a b"',
];

Deno.test("the lines for people are frozen", () => {
  const { log, lines } = record({ level: "trace" });
  sayEverything(log);
  assertEquals(lines(), TEXT);
  resetSync();
});

Deno.test("in a file every line begins with its time", () => {
  const { log, lines } = record({ level: "trace", audience: "file" });
  sayEverything(log);
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;
  for (const line of lines()) assert(time.test(line), line);
  const plain = lines().map((line) => line.replace(time, ""));
  // Who reads a file wants the phases only when looking for a fault.
  assertEquals(plain, TEXT.map((line) => line.startsWith("  ") ? `debug ${line.trim()}` : line));
  resetSync();
});

Deno.test("each level shows itself and what is more important", () => {
  const counts = { error: 1, warn: 3, info: 5, debug: 6, trace: 7 } as const;
  for (const [level, count] of Object.entries(counts)) {
    const { log, lines } = record({ level: level as keyof typeof counts });
    sayEverything(log);
    assertEquals(lines(), TEXT.slice(0, count));
    assertEquals(log.traces, level === "trace");
  }
  resetSync();
});

Deno.test("the JSON records are frozen", () => {
  const { log, lines } = record({ level: "trace", format: "json", audience: "file" });
  sayEverything(log);
  const failed = {
    msg: "The cloud knows the device but it is offline",
    device: "7C0...01F",
    tries: 3,
    token: "[redacted]",
    reason: "device-offline",
    advice: "Check its power and internet line.",
  };
  const device = "7C0...01F";
  assertEquals(
    lines().map((line) => {
      const { time, ...rest } = JSON.parse(line);
      assert(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
      return rest;
    }),
    [
      { ...failed, level: "error", event: "failed" },
      { ...failed, level: "warn", event: "warning" },
      {
        level: "warn",
        msg: "Turned a client away.",
        event: "client-turned-away",
        device,
        limit: 32,
      },
      { level: "info", msg: "Using 1554.", event: "listen-fallback", device, port: 1554 },
      { level: "info", msg: "lookup 212ms", event: "phase", device, phase: "lookup", ms: 212 },
      {
        level: "debug",
        msg: "Client opened.",
        event: "client-opened",
        device,
        client: "127.0.0.1:5",
      },
      {
        level: "trace",
        msg: "ptcp retransmit",
        event: "trace",
        device,
        at: 1234.4,
        scope: "ptcp",
        name: "retransmit",
        sequence: 17,
        why: "a b",
      },
    ],
  );
  resetSync();
});

Deno.test("color surrounds a whole line, on a terminal only when it is on", () => {
  const { log, lines } = record({ color: "on" });
  log.failure(FAILURE);
  log.info("x", "plain");
  assert(lines()[0]?.startsWith("\x1b[31merror[device-offline]"), lines()[0]);
  assert(lines()[0]?.endsWith("\x1b[0m"));
  assertEquals(lines()[1], "plain");
  resetSync();
});

Deno.test("no text from elsewhere can command a terminal or forge a line", () => {
  const { log, lines } = record({ level: "trace" });
  log.failure({ ...FAILURE, what: "Reply \x1b[2J\r\nREADY name=x\u009b" });
  log.trace({ at: 0, scope: "rtsp", name: "x", data: { text: "\x1b]0;x\x07\n" } });
  assertEquals(lines().length, 2);
  // deno-lint-ignore no-control-regex -- they are what must not be there
  for (const line of lines()) assertFalse(/[\u0000-\u001f\u007f-\u009f]/.test(line), line);
  resetSync();
});

Deno.test("braces in a message are no template", () => {
  const { log, lines } = record();
  log.info("x", "100 {port} {*} %s {{");
  assertEquals(lines(), ["100 {port} {*} %s {{"]);
  resetSync();
});

Deno.test("serials and secrets are taken out of every kind of record", () => {
  for (const format of ["text", "json"] as const) {
    const { log, lines, redactor } = record({ level: "trace", format });
    redactor.addSerial(SERIAL);
    redactor.addSecret("hunter22");
    const text = `x${SERIAL}x hunter22 rtsp://admin:pw@127.0.0.1/`;
    log.failure({ reason: "internal", what: text, advice: text, facts: { text } });
    log.info("x", text, { text });
    log.debug("x", text, { text, password: "short" });
    log.trace({
      at: 0,
      scope: "x",
      name: "x",
      data: { text, salt: "abcd", from: "203.0.113.9:1" },
    });
    assertEquals(lines().length, 4);
    for (const line of lines()) {
      assertFalse(/7C03E8|hunter22|admin:pw|short|abcd|203\.0\.113/.test(line), line);
    }
  }
  resetSync();
});

Deno.test("a storm of one warning is one line and a count", () => {
  let now = 0;
  const { log, lines } = record({}, () => now);
  const warn = (what: string): void => log.warning({ reason: "slow-client", what, advice: "" });
  for (let i = 0; i < 100; i++) warn(`Client ${i} is slow.`);
  log.warning({ reason: "rtsp-udp", what: "Other.", advice: "" });
  now = 4999;
  warn("Still counted.");
  now = 5000;
  warn("Next burst.");
  log.flush();
  log.flush();
  assertEquals(lines(), [
    "warning[slow-client] dahua-p2p: Client 0 is slow.",
    "warning[rtsp-udp] dahua-p2p: Other.",
    "warn slow-client: 100 times more.",
    "warning[slow-client] dahua-p2p: Next burst.",
  ]);
  resetSync();
});
