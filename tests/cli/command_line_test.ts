import { assert, assertEquals, assertFalse } from "@std/assert";
import { resetSync } from "@std/log";
import { runCommandLine } from "../../lib/cli/command_line.ts";
import { COMMANDS } from "../../lib/cli/commands.ts";
import { environmentName } from "../../lib/cli/option.ts";
import { ALL_OPTIONS } from "../../lib/cli/options.ts";
import { LineOutput } from "../../lib/cli/output.ts";
import { type FakeHost, fakeHost, type FakeHostOptions } from "./fake_host.ts";

const SERIAL = "7C03E8CPAG0001F";

async function run(
  words: readonly string[],
  options: FakeHostOptions = {},
): Promise<FakeHost & { readonly code: number }> {
  const host = fakeHost(options);
  try {
    return { ...host, code: await runCommandLine(words, host) };
  } finally {
    resetSync();
  }
}

Deno.test("the version is the manifest's", async () => {
  const manifest = JSON.parse(await Deno.readTextFile("deno.json"));
  const { code, out, err } = await run(["-V"]);
  assertEquals([code, out(), err()], [0, `dahua-p2p ${manifest.version}\n`, ""]);
});

Deno.test("the help is on standard output and shows every option, its variable and default", async () => {
  const { code, out, err } = await run(["--help"]);
  assertEquals([code, err()], [0, ""]);
  for (const option of COMMANDS[0].options) {
    assert(out().includes(`--${option.name}`), option.name);
    if (option.short !== undefined) assert(out().includes(`-${option.short}, --${option.name}`));
    if (option.environment === "yes") assert(out().includes(`[env: ${environmentName(option)}]`));
    if (option.shownDefault !== undefined) {
      assert(out().includes(`[default: ${option.shownDefault}]`));
    }
  }
  assert(out().includes("dahua-p2p demo"));
});

Deno.test("no line of any help is wider than 100 characters", async () => {
  for (const words of [["-h"], ["demo", "-h"]]) {
    for (const line of (await run(words)).out().split("\n")) assert(line.length <= 100, line);
  }
});

Deno.test("the help shows no value, neither from the environment nor from the command line", async () => {
  const environment = Object.fromEntries(
    ALL_OPTIONS.map((option) => [environmentName(option), "hunter22"]),
  );
  const { code, out } = await run(["-p", "hunter33", "-h"], { environment });
  assertEquals(code, 0);
  assertFalse(/hunter/.test(out()));
});

Deno.test("every option has a row in the table of all options", () => {
  for (const { options } of COMMANDS) {
    const names = new Set(ALL_OPTIONS.map(({ name }) => name));
    for (const { name } of options) assert(names.has(name), name);
  }
});

Deno.test("no command has two options of one name or letter", () => {
  for (const { options } of COMMANDS) {
    const names = options.flatMap(({ name, short }) =>
      short === undefined ? [name] : [name, short]
    );
    assertEquals(new Set(names).size, names.length);
  }
});

Deno.test("the help of the tunnel is frozen", async () => {
  const { out } = await run(["-h"]);
  assertEquals(out(), await Deno.readTextFile(new URL("help.txt", import.meta.url)));
});

Deno.test("a wrong command line is one line on standard error and the exit code 64", async () => {
  const table: readonly [readonly string[], string][] = [
    [[], "0 words are given beside the options. The command takes one serial"],
    [[SERIAL, "hunter22"], "2 words are given beside the options."],
    [["short"], "The serial has 5 characters."],
    [["--nope"], 'Unknown option "--nope".'],
    [["-L", "70000:554", SERIAL], '-L, --forward: "70000:554" is not allowed.'],
    [["--timeout", "30", SERIAL], '--timeout: "30" is not allowed.'],
    [["-r", "--path=direct", SERIAL], "--relay and --path exclude each other."],
    [["-q", "--log-level=debug", SERIAL], "--log-level and --quiet exclude each other."],
    [["-t1", SERIAL], "--type 1 needs credentials."],
    [["-p", "hunter22", SERIAL], "--password is given without a user name."],
    [["demo", "-u", "x"], 'Unknown option "-u".'],
    [["demo", "hunter22"], "1 words are given beside the options."],
    [["-q", "demo"], "The command comes after options. It comes first: dahua-p2p demo"],
  ];
  for (const [words, message] of table) {
    const { code, out, err, kept } = await run(words, {
      stderrIsTerminal: "yes",
      environment: { NO_COLOR: "1" },
    });
    assertEquals([code, out()], [64, ""], words.join(" "));
    assert(err().startsWith("error[usage] dahua-p2p: ") || err().includes(`7C0...01F: `), err());
    assert(err().includes(message), err());
    assertEquals(err().split("\n").length, 2, err());
    assertFalse(err().includes("hunter22"), err());
    assertEquals(kept, []);
  }
});

Deno.test("a user name without a password and a terminal is exit code 78", async () => {
  const { code, out, err } = await run(["-u", "viewer", SERIAL]);
  assertEquals([code, out()], [78, ""]);
  assert(/ error\[config\] dahua-p2p: There is a user name but no password/.test(err()), err());
});

Deno.test("giving up at the password prompt is exit code 130 and no error", async () => {
  const terminal = { inputIsTerminal: "yes", stderrIsTerminal: "yes", input: ["\x03"] } as const;
  const { code, out, err } = await run(["-u", "viewer", SERIAL], terminal);
  assertEquals([code, out(), err()], [130, "", 'Password of "viewer": \n']);
});

Deno.test("JSON is asked for, JSON is complained in, even about what could not be read", async () => {
  for (
    const [words, environment] of [
      [["--log-format", "json", "--nope"], {}],
      [["--log-format=json", "short"], {}],
      [["--nope"], { DAHUA_P2P_LOG_FORMAT: "json" }],
      [[], { DAHUA_P2P_LOG_FORMAT: "json" }],
    ] as const
  ) {
    const { code, err } = await run(words, { environment });
    assertEquals(code, 64);
    const record = JSON.parse(err());
    assertEquals([record.level, record.event, record.reason], ["error", "failed", "usage"]);
  }
});

Deno.test("errors are colored on a terminal, unless NO_COLOR says no", async () => {
  const colored = await run([], { stderrIsTerminal: "yes" });
  assert(colored.err().startsWith("\x1b[31m"));
  const plain = await run([], { stderrIsTerminal: "yes", environment: { NO_COLOR: "1" } });
  assertFalse(plain.err().includes("\x1b"));
  const file = await run([]);
  assertFalse(file.err().includes("\x1b"));
});

Deno.test("help into a closed pipe is neither success nor noise", async () => {
  const host = fakeHost();
  const stdout = new LineOutput({
    writeSync: (): number => {
      throw new Deno.errors.BrokenPipe("os error 32");
    },
  }, "throw");
  assertEquals(await runCommandLine(["-h"], { ...host, stdout }), 141);
  assertEquals(host.err(), "");
  resetSync();
});

Deno.test("a full disk behind standard output is exit code 78 in one line", async () => {
  const stdout = new LineOutput({
    writeSync: (): number => {
      throw new Error("No space left on device (os error 28)");
    },
  }, "throw");
  const host = fakeHost();
  assertEquals(await runCommandLine(["-h"], { ...host, stdout }), 78);
  assert(
    / error\[config\] dahua-p2p: Standard output cannot be written: No space left/.test(host.err()),
  );
  assertEquals(host.err().split("\n").length, 2, host.err());
  resetSync();
});

Deno.test("a bug shows its stack to whoever looks for it, and only to them", async () => {
  for (const [level, shown] of [["info", false], ["debug", true]] as const) {
    const host = fakeHost();
    const keepPermissions = (): void => {
      throw new TypeError("boom");
    };
    const words = ["--log-level", level, SERIAL];
    assertEquals(await runCommandLine(words, { ...host, keepPermissions }), 70);
    assert(host.err().includes(" error[internal] 7C0...01F: Unexpected error: TypeError: boom"));
    assertEquals(host.err().includes("command_line_test.ts"), shown, host.err());
    resetSync();
  }
});
