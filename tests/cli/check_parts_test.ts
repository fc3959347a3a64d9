import { assertEquals, assertThrows } from "@std/assert";
import { collectDevices } from "../../lib/cli/check_devices.ts";
import { resultExit, worstExit } from "../../lib/cli/check_exit.ts";
import { whyNot } from "../../lib/cli/check_outputs.ts";
import { CHANNEL, PING_URL, SHARD, SINCE } from "../../lib/cli/check_options.ts";
import type { ConfiguredDevice } from "../../lib/cli/config/config.ts";
import { EXIT, type ExitCode } from "../../lib/cli/exit_codes.ts";
import { LineOutput } from "../../lib/cli/output.ts";
import { Progress } from "../../lib/cli/progress.ts";
import { InvalidValue } from "../../lib/cli/usage.ts";
import { FailureError } from "../../lib/core/failure.ts";
import { fakeHost } from "./fake_host.ts";

Deno.test("of several codes the one that needs a person first wins", () => {
  const order: readonly ExitCode[] = [78, 77, 76, 70, 68, 69, 75];
  for (let i = 0; i < order.length; i++) {
    assertEquals(worstExit([...order.slice(i)].reverse()), order[i]);
  }
  assertEquals(worstExit([]), 0);
  assertEquals(worstExit([0, 0]), 0);
  assertEquals(worstExit([0, 75]), 75);
  // A code that has no place in the order is still no success.
  assertEquals(worstExit([0, EXIT.cannotCreate]), EXIT.cannotCreate);
  assertEquals(resultExit({ reason: "ok" }), 0);
  assertEquals(resultExit({ reason: "lockout" }), 77);
});

Deno.test("channels, shards, spans and URLs are read strictly", () => {
  assertEquals(CHANNEL.parse("3"), [3]);
  assertEquals(CHANNEL.parse("2-4"), [2, 3, 4]);
  for (const text of ["0", "4-2", "1-65", "x", "1-", "-1", "1025"]) {
    assertThrows(() => CHANNEL.parse(text), InvalidValue, "", text);
  }
  assertEquals(SHARD.parse("0/1"), { index: 0, count: 1 });
  assertEquals(SHARD.parse("3/4"), { index: 3, count: 4 });
  for (const text of ["4/4", "1", "1/0", "/4", "-1/4", "a/b"]) {
    assertThrows(() => SHARD.parse(text), InvalidValue, "", text);
  }
  assertEquals(SINCE.parse("12h"), 12 * 3_600_000);
  assertEquals(SINCE.parse("2w"), 14 * 86_400_000);
  for (const text of ["30", "0d", "1m", "d", "1.5d"]) {
    assertThrows(() => SINCE.parse(text), InvalidValue, "", text);
  }
  assertEquals(PING_URL.parse("https://hc-ping.com/x").hostname, "hc-ping.com");
  for (const text of ["hc-ping.com/x", "ftp://x/", "file:///etc/passwd", ""]) {
    assertThrows(() => PING_URL.parse(text), InvalidValue, "", text);
  }
  assertEquals(PING_URL.secrecy, "secret");
});

const CONFIGURED: readonly ConfiguredDevice[] = [
  { name: "door", serial: "EXAMPLE0SERIAL0", isEnabled: true, options: {} },
  { name: "yard", serial: "EXAMPLE0SERIAL1", isEnabled: false, options: {} },
];

function collect(
  sources: Partial<Parameters<typeof collectDevices>[0]>,
  list = "",
): readonly (readonly [string, string, string | undefined])[] {
  const host = fakeHost({ files: { list } });
  const { devices } = collectDevices({
    operands: [],
    unnamed: (serial) => `${serial.slice(0, 3)}...`,
    ...sources,
  }, host);
  return devices.map(({ name, serial, configured }) => [name, serial, configured?.name]);
}

Deno.test("devices are named by configuration, list or serial, and no two alike", () => {
  assertEquals(collect({ operands: ["EXAMPLE0SERIAL0"] }), [
    ["EXA...", "EXAMPLE0SERIAL0", undefined],
  ]);
  const [one, two] = collect({ operands: ["EXAMPLE0SERIAL0", "EXAMPLE0SERIAL1"] });
  assertEquals(one?.[0], "EXA...-081ed1");
  assertEquals(two?.[0].startsWith("EXA...-"), true);
  assertEquals(one?.[0] === two?.[0], false);
  assertEquals(
    collect({ configured: CONFIGURED, operands: ["door", "EXAMPLE0SERIAL1"] }),
    [["door", "EXAMPLE0SERIAL0", "door"], ["yard", "EXAMPLE0SERIAL1", "yard"]],
  );
  assertEquals(collect({ configured: CONFIGURED }), [["door", "EXAMPLE0SERIAL0", "door"]]);
  assertEquals(
    collect({ configured: CONFIGURED, file: "list" }, "EXAMPLE0SERIAL0 gate\n"),
    [["gate", "EXAMPLE0SERIAL0", "door"]],
  );
});

Deno.test("a word that is neither name nor serial is refused without being repeated", () => {
  for (const configured of [undefined, CONFIGURED]) {
    const error = assertThrows(() => collect({ configured, operands: ["hunter2!"] }), FailureError);
    assertEquals(error.reason, "usage");
    assertEquals(error.message.includes("hunter2"), false);
  }
});

Deno.test("progress is one line that makes way for what is written", () => {
  let written = "";
  const output = new LineOutput({
    writeSync(bytes): number {
      written += new TextDecoder().decode(bytes);
      return bytes.length;
    },
  }, "discard");
  const progress = new Progress(output);
  progress.clear();
  progress.draw("1/3", 1_000);
  progress.draw("2/3", 1_099);
  progress.draw("3/3", 1_100);
  progress.clear();
  progress.clear();
  assertEquals(written, "\r\x1b[K1/3\r\x1b[K3/3\r\x1b[K");
  new Progress(undefined).draw("1/1", 0);
});

Deno.test("why a file cannot be used is said in people's words", () => {
  assertEquals(whyNot(new Error("No space left on device (os error 28)")), "the disk is full");
  assertEquals(whyNot(new Error("database or disk is full")), "the disk is full");
  assertEquals(whyNot(new Deno.errors.PermissionDenied("x")), "permission denied");
  assertEquals(
    whyNot(new Error("Read-only file system (os error 30)")),
    "it is on a read-only disk",
  );
  assertEquals(whyNot("odd\nthing"), "odd thing");
});
