import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { environmentName, type Option } from "../../lib/cli/option.ts";
import * as options from "../../lib/cli/options.ts";
import * as check from "../../lib/cli/check_options.ts";
import * as run from "../../lib/cli/run_options.ts";
import { Settings } from "../../lib/cli/settings.ts";
import { tunnelOptions } from "../../lib/cli/tunnel_settings.ts";
import { FailureError } from "../../lib/core/failure.ts";

type Environment = Readonly<Record<string, string>>;

function settings(words: readonly string[], environment: Environment = {}): Settings {
  const { ALL_OPTIONS } = options;
  return new Settings(parseArguments(words, ALL_OPTIONS), ALL_OPTIONS, (name) => environment[name]);
}

function refusal(words: readonly string[], environment: Environment = {}): string {
  const error = assertThrows(() => tunnelOptions(settings(words, environment)), FailureError);
  assertEquals(error.reason, "usage");
  return error.message;
}

/** One value of every option: as typed, in the environment, and what it becomes. */
const EXAMPLES: readonly [Option<unknown>, string, unknown][] = [
  [options.USERNAME, "viewer", "viewer"],
  [options.PASSWORD, " a b ", " a b "],
  [options.PASSWORD_FILE, "/run/secrets/cam", "/run/secrets/cam"],
  [options.DEBUG, "1", true],
  [options.TYPE, "1", "1"],
  [options.FORWARD, "1554:554", { bind: "127.0.0.1", localPort: 1554, remotePort: 554 }],
  [options.RELAY, "yes", true],
  [options.PATH, "relay", "relay"],
  [options.CLOUD, "example.com", { host: "example.com", port: 8800 }],
  [options.DIALECT, "dmss", "dmss"],
  [options.APP_KEY_FILE, "/etc/app.key", "/etc/app.key"],
  [options.NO_STATE, "1", true],
  [options.TIMEOUT, "40s", 40_000],
  [options.MAX_CLIENTS, "8", 8],
  [options.CLIENT_BUFFER, "64KiB", 65_536],
  [options.JSON_LINES, "true", true],
  [options.HEARTBEAT, "2s", 2_000],
  [options.DEAD_AFTER, "20s", 20_000],
  [run.CONFIG, "/etc/dahua-p2p.yaml", "/etc/dahua-p2p.yaml"],
  [run.HTTP, "[::1]:9554", { hostname: "::1", port: 9554 }],
  [run.STATUS_FILE, "/run/p2p.json", "/run/p2p.json"],
  [run.ALL, "1", true],
  [options.PREFER, "relay", "relay"],
  [options.RECEIVE_WINDOW, "1MiB", 1_048_576],
  [options.CAPTURE, "run.pcapng", "run.pcapng"],
  [options.CAPTURE_SECRETS, "1", true],
  [check.LEVEL, "media", "media"],
  [check.PORT, "37777", 37_777],
  [check.CHANNEL, "2-3", [2, 3]],
  [check.FILE, "cameras.csv", "cameras.csv"],
  [check.SHARD, "1/4", { index: 1, count: 4 }],
  [check.CONCURRENCY, "16", 16],
  [check.RATE, "5", 5],
  [check.SPLAY, "30s", 30_000],
  [check.MEDIA_TIME, "10s", 10_000],
  [check.KEY_FRAME_TIMEOUT, "5s", 5_000],
  [check.NAGIOS, "1", true],
  [check.TEXTFILE, "p2p.prom", "p2p.prom"],
  [check.JUNIT, "p2p.xml", "p2p.xml"],
  [check.PING_URL, "https://example.com/x", new URL("https://example.com/x")],
  [check.ON_CHANGE, "logger $CHECK_STATE", "logger $CHECK_STATE"],
  [check.HISTORY, "checks.db", "checks.db"],
  [check.STATE_DIR, "/var/lib/p2p", "/var/lib/p2p"],
  [check.SINCE, "30d", 2_592_000_000],
  [check.HTML, "page.html", "page.html"],
  [options.RETRY_MIN, "2s", 2_000],
  [options.RETRY_MAX, "2m", 120_000],
  [options.MAX_RETRIES, "0", 0],
  [options.SESSION_COOLDOWN, "0s", 0],
  [options.AUTH_RETRY, "5m", 300_000],
  [options.WAIT, "3s", 3_000],
  [options.SHOW_SERIALS, "TRUE", true],
  [options.LOG_LEVEL, "debug", "debug"],
  [options.LOG_FORMAT, "json", "json"],
  [options.QUIET, "1", true],
];

Deno.test("every option but help and version is set by its variable", () => {
  const covered = EXAMPLES.map(([option]) => option);
  assertEquals(
    options.ALL_OPTIONS.filter((option) => !covered.includes(option)).map(({ name }) => name),
    ["help", "version"],
  );
  for (const [option, text, value] of EXAMPLES) {
    const resolved = settings([], { [environmentName(option)]: text });
    assertEquals(resolved.get(option), value, option.name);
    assertEquals(resolved.source(option), "environment");
  }
});

Deno.test("an option nobody sets has no value", () => {
  const resolved = settings([]);
  for (const [option] of EXAMPLES) {
    assertEquals(resolved.get(option), undefined, option.name);
    assertEquals(resolved.source(option), "default");
  }
});

Deno.test("a flag beats the environment", () => {
  for (const [option, text] of EXAMPLES) {
    if (option.placeholder === undefined) continue;
    // The losing value is not even allowed: it is not looked at.
    const resolved = settings([`--${option.name}=${text}`], {
      [environmentName(option)]: "\u0001",
    });
    assertEquals(resolved.source(option), "flag", option.name);
  }
  const both = settings(["-L", "1:2"], { DAHUA_P2P_FORWARD: "3:4,5:6" });
  assertEquals(both.all(options.FORWARD).map(({ localPort }) => localPort), [1]);
});

Deno.test("an empty variable counts as not set", () => {
  for (const [option] of EXAMPLES) {
    assertEquals(settings([], { [environmentName(option)]: "" }).source(option), "default");
  }
});

Deno.test("a switch in the environment can be off", () => {
  for (const text of ["0", "false", "no", "No"]) {
    assertFalse(settings([], { DAHUA_P2P_DEBUG: text }).isOn(options.DEBUG));
  }
  assertEquals(
    refusal([], { DAHUA_P2P_DEBUG: "maybe" }),
    'DAHUA_P2P_DEBUG: "maybe" is not allowed. Allowed: 1, true, yes, 0, false, no.',
  );
});

Deno.test("repeatable options stand in one variable, separated by commas", () => {
  const resolved = settings([], { DAHUA_P2P_FORWARD: "1554:554, [::1]:0:80" });
  assertEquals(resolved.all(options.FORWARD).map(({ remotePort }) => remotePort), [554, 80]);
  refusal([], { DAHUA_P2P_FORWARD: "1554:554," });
});

Deno.test("a value that is not allowed is refused by the name its giver used, with what is allowed", () => {
  const table: readonly [readonly string[], Environment, string][] = [
    [["--timeout", "30"], {}, '--timeout: "30" is not allowed. Allowed: a duration with its unit'],
    [["-t", "2"], {}, '-t, --type: "2" is not allowed. Allowed: auto, 0, 1.'],
    [["--path=tcp"], {}, '--path: "tcp" is not allowed. Allowed: auto, direct, relay, tcp-relay.'],
    [["-L", "99999:1"], {}, "-L, --forward: "],
    [["--max-clients", "0"], {}, "Allowed: a whole number from 1 to 1024."],
    [["--max-clients", "1025"], {}, "Allowed: a whole number from 1 to 1024."],
    [["--max-clients", "1.5"], {}, "Allowed: a whole number from 1 to 1024."],
    [["--log-level", "verbose"], {}, "Allowed: error, warn, info, debug, trace."],
    [["--log-format=yaml"], {}, "Allowed: text, json."],
    [[], { DAHUA_P2P_CLIENT_BUFFER: "1" }, 'DAHUA_P2P_CLIENT_BUFFER: "1" is not allowed.'],
    [["-u", "a\r\nb"], {}, "Allowed: text without control characters."],
  ];
  for (const [words, environment, message] of table) {
    const actual = refusal(words, environment);
    assert(actual.includes(message), actual);
  }
});

Deno.test("a password that is not allowed is not repeated", () => {
  assertFalse(refusal(["-p", "hunter22\n"]).includes("hunter22"));
  assertFalse(refusal([], { DAHUA_P2P_PASSWORD: "hunter22\u0000" }).includes("hunter22"));
});

Deno.test("a long or hostile value is cut and escaped in the message", () => {
  const message = refusal(["--path", `\x1b[2J${"x".repeat(500)}\u202e`]);
  assert(message.length < 140, message);
  assertFalse(message.includes("\x1b"));
});

Deno.test("options that say the same thing exclude each other within one source only", () => {
  assertEquals(
    refusal(["-r", "--path", "direct"]),
    "--relay and --path exclude each other. Give one of them.",
  );
  assertEquals(
    refusal([], { DAHUA_P2P_RELAY: "1", DAHUA_P2P_PATH: "direct" }),
    "DAHUA_P2P_RELAY and DAHUA_P2P_PATH exclude each other. Give one of them.",
  );
  assertEquals(tunnelOptions(settings(["-r"], { DAHUA_P2P_PATH: "direct" })).path, "relay");
  assertEquals(tunnelOptions(settings(["--path=direct"], { DAHUA_P2P_RELAY: "1" })).path, "direct");
  assertEquals(tunnelOptions(settings([], { DAHUA_P2P_RELAY: "0" })).path, undefined);
});

Deno.test("without options the library's defaults hold", () => {
  for (const [name, value] of Object.entries(tunnelOptions(settings([])))) {
    assertEquals(value, undefined, name);
  }
});

Deno.test("two forwards cannot share a local port, but any number can take a free one", () => {
  assertEquals(
    refusal(["-L", "1554:554", "-L", "1554:80"]),
    '--forward: "127.0.0.1 port 1554" is given twice. ' +
      "Each forward needs a local port of its own; 0 takes any free one.",
  );
  const free = tunnelOptions(settings(["-L", "0:554", "-L", "0:80", "-L", "[::1]:1554:554"]));
  assertEquals(free.forwards?.length, 3);
  refusal(Array.from({ length: 33 }, () => ["-L", "0:554"]).flat());
});

Deno.test("a cloud is a word or a host, and a dialect is a word", () => {
  assertEquals(tunnelOptions(settings([])).cloud, undefined);
  for (const cloud of ["auto", "easy4ip", "dolynk"] as const) {
    assertEquals(tunnelOptions(settings(["--cloud", cloud])).cloud, cloud);
  }
  const { cloud, dialect } = tunnelOptions(
    settings(["--cloud", "p2p.example.com:8801", "--dialect", "dmss"]),
  );
  assertEquals(cloud, { host: "p2p.example.com", port: 8801 });
  assertEquals(dialect, "dmss");
  assert(refusal(["--dialect", "imou"]).includes("smartpss, dmss"));
  assert(refusal(["--cloud", "dmss:0"]).includes("auto, easy4ip, dolynk, or HOST"));
});

Deno.test("the key of an app needs a cloud to belong to", () => {
  const file = ["--app-key-file", "app.key"];
  assert(refusal(file).includes("--cloud"));
  assert(refusal([...file, "--cloud", "auto"]).includes("--cloud"));
  for (const words of [["--cloud", "dolynk"], ["--cloud", "example.com"], ["--dialect", "dmss"]]) {
    tunnelOptions(settings([...file, ...words]));
  }
});
