import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { PromptInterruptedError, readCredentials } from "../../lib/cli/credentials.ts";
import { ALL_OPTIONS } from "../../lib/cli/options.ts";
import { Settings } from "../../lib/cli/settings.ts";
import { FailureError } from "../../lib/core/failure.ts";
import { fakeHost, type FakeHostOptions } from "./fake_host.ts";

function read(words: readonly string[], options: FakeHostOptions = {}): string | undefined {
  const host = fakeHost(options);
  const settings = new Settings(parseArguments(words, ALL_OPTIONS), ALL_OPTIONS, host.env);
  const credentials = readCredentials(settings, host);
  return credentials && `${credentials.username}:${credentials.password}`;
}

function refusal(words: readonly string[], options: FakeHostOptions = {}): string {
  const error = assertThrows(() => read(words, options), FailureError);
  return `${error.reason}: ${error.failure.what}`;
}

Deno.test("without a user name and a password there are no credentials", () => {
  assertEquals(read([]), undefined);
});

Deno.test("the password comes from wherever it is said to be", () => {
  const files = { "cam.pass": "from file\n", "dos.pass": "from dos\r\n" };
  const environment = { DAHUA_P2P_USERNAME: "viewer", DAHUA_P2P_PASSWORD: "from env" };
  assertEquals(read(["-u", "a", "-p", "flag"]), "a:flag");
  assertEquals(read(["-u", "a", "--password-file", "cam.pass"], { files }), "a:from file");
  assertEquals(read(["-u", "a", "--password-file", "dos.pass"], { files }), "a:from dos");
  assertEquals(read([], { environment }), "viewer:from env");
  assertEquals(
    read(["-u", "a"], { files, environment: { DAHUA_P2P_PASSWORD_FILE: "cam.pass" } }),
    "a:from file",
  );
  assertEquals(read(["-u", "a", "--password-file=-"], { input: ["sec", "ret\n"] }), "a:secret");
  assertEquals(read(["-u", "a", "--password-file=-"], { input: [" sp ace "] }), "a: sp ace ");
});

Deno.test("a flag for the password beats both variables", () => {
  const environment = { DAHUA_P2P_PASSWORD: "x", DAHUA_P2P_PASSWORD_FILE: "y" };
  assertEquals(read(["-u", "a", "-p", "flag"], { environment }), "a:flag");
});

Deno.test("two passwords from one source contradict each other", () => {
  assert(refusal(["-u", "a", "-p", "x", "--password-file", "y"]).startsWith("usage: "));
  const environment = { DAHUA_P2P_PASSWORD: "x", DAHUA_P2P_PASSWORD_FILE: "y" };
  assert(refusal(["-u", "a"], { environment }).startsWith("usage: "));
});

Deno.test("a password without a user name is a mistake of whoever gave it", () => {
  assertEquals(refusal(["-p", "x"]), "usage: --password is given without a user name.");
  assertEquals(
    refusal([], { environment: { DAHUA_P2P_PASSWORD_FILE: "x" } }),
    "config: DAHUA_P2P_PASSWORD_FILE is given without a user name.",
  );
});

Deno.test("a user name without a password and without a terminal is a configuration failure", () => {
  const expected = "config: There is a user name but no password, and no terminal to ask for one.";
  assertEquals(refusal(["-u", "a"]), expected);
  assertEquals(refusal(["-u", "a"], { inputIsTerminal: "yes" }), expected);
  assertEquals(refusal(["-u", "a"], { stderrIsTerminal: "yes" }), expected);
});

Deno.test("on a terminal the password is asked for on standard error, and nowhere else", () => {
  const host = fakeHost({ inputIsTerminal: "yes", stderrIsTerminal: "yes", input: ["hunter22\r"] });
  const settings = new Settings(parseArguments(["-u", "a"], ALL_OPTIONS), ALL_OPTIONS, host.env);
  assertEquals(readCredentials(settings, host), { username: "a", password: "hunter22" });
  assertEquals(host.err(), 'Password of "a": \n');
  assertEquals(host.out(), "");
  assertEquals(host.rawModes, [true, false]);
});

Deno.test("standard input that is a terminal is asked, not read in the open", () => {
  const terminal = { inputIsTerminal: "yes", stderrIsTerminal: "yes" } as const;
  assertEquals(read(["-u", "a", "--password-file=-"], { ...terminal, input: ["x\r"] }), "a:x");
});

Deno.test("giving up at the prompt is no failure but an interruption", () => {
  const terminal = { inputIsTerminal: "yes", stderrIsTerminal: "yes" } as const;
  assertThrows(() => read(["-u", "a"], { ...terminal, input: ["ab\x03"] }), PromptInterruptedError);
  assert(refusal(["-u", "a"], { ...terminal, input: ["\r"] }).startsWith("config: "));
  assert(refusal(["-u", "a"], { ...terminal, input: ["\x04"] }).startsWith("config: "));
});

Deno.test("a password file that holds no password is a configuration failure that says why", () => {
  const table: readonly [string, string | Uint8Array | Error | undefined, string][] = [
    ["missing", undefined, "there is no such file"],
    ["secret", new Deno.errors.PermissionDenied("os error 13"), "permission denied"],
    ["folder", new Error("Is a directory (os error 21)"), "it is no readable file"],
    ["empty", "", "holds no password"],
    ["blank", "\n", "holds no password"],
    ["lines", "user\nhunter22\n", "holds more than one line"],
    ["binary", Uint8Array.of(0xff, 0xfe), "is not UTF-8 text"],
    ["huge", "x".repeat(5000), "is longer than 4096 bytes"],
  ];
  for (const [path, content, message] of table) {
    const files = content === undefined ? {} : { [path]: content };
    const actual = refusal(["-u", "a", "--password-file", path], { files });
    assert(actual.startsWith("config: ") && actual.includes(message), actual);
    assertFalse(actual.includes("hunter22"), actual);
  }
});

Deno.test("closed standard input is no password", () => {
  assertEquals(
    refusal(["-u", "a", "--password-file=-"]),
    "config: Standard input holds no password.",
  );
});
