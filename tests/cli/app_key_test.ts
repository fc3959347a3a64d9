import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { readAppKey } from "../../lib/cli/app_key.ts";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { ALL_OPTIONS } from "../../lib/cli/options.ts";
import { Settings } from "../../lib/cli/settings.ts";
import { openState } from "../../lib/cli/state.ts";
import { FailureError } from "../../lib/core/failure.ts";
import { fakeHost, type FakeHostOptions } from "./fake_host.ts";

const USER = "default\\00112233445566778899aabbccddeeff";
const KEY = "0123456789abcdef0123456789abcdef";

interface Outcome {
  readonly app: ReturnType<typeof readAppKey>;
  readonly err: string;
}

function read(words: readonly string[], options: FakeHostOptions = {}): Outcome {
  const host = fakeHost(options);
  const settings = new Settings(parseArguments(words, ALL_OPTIONS), ALL_OPTIONS, host.env);
  const warnings: string[] = [];
  const app = readAppKey(settings, host, { warning: ({ what }) => void warnings.push(what) });
  return { app, err: warnings.join() };
}

function readText(text: string, options: FakeHostOptions = {}): Outcome {
  return read(["--app-key-file", "app.key"], { files: { "app.key": text }, ...options });
}

Deno.test("without a file there is no pair of another app", () => {
  assertEquals(read([]), { app: undefined, err: "" });
});

Deno.test("the pair stands on two lines, however they end", () => {
  for (const text of [`${USER}\n${KEY}`, `${USER}\n${KEY}\n`, `${USER}\r\n${KEY}\r\n\r\n`]) {
    assertEquals(readText(text), { app: { user: USER, key: KEY }, err: "" });
  }
});

Deno.test("the pair may be JSON", () => {
  const json = JSON.stringify({ key: KEY, user: USER, comment: "of 2026" }, undefined, 2);
  assertEquals(readText(`\n${json}\n`).app, { user: USER, key: KEY });
});

Deno.test("the pair may come by standard input", () => {
  const { app } = read(["--app-key-file", "-"], { input: [`${USER}\n`, KEY] });
  assertEquals(app, { user: USER, key: KEY });
});

Deno.test("what is no pair is refused without repeating it", () => {
  const wrong = [
    "",
    USER,
    `${USER}\n`,
    `${USER}\n${KEY}\nmore`,
    `a "quote"\n${KEY}`,
    `${USER}\nwith a space`,
    `${USER}\n${"x".repeat(129)}`,
    "{",
    "{}",
    '{"user": 1, "key": "x"}',
    `{"user": "${KEY}"}`,
    "x".repeat(5000),
  ];
  for (const text of wrong) {
    const error = assertThrows(() => readText(text), FailureError);
    assertEquals(error.reason, "config");
    assertFalse(error.message.includes(KEY), error.message);
  }
  const missing = assertThrows(() => read(["--app-key-file", "nowhere"]), FailureError);
  assert(missing.message.includes("there is no such file"));
});

Deno.test("a file that others can read is warned about, and used", () => {
  const { app, err } = readText(`${USER}\n${KEY}`, { fileMode: 0o644 });
  assert(app);
  assert(err.includes("can be read by other users"), err);
  assertFalse(err.includes(KEY));
  assertEquals(readText(`${USER}\n${KEY}`, { fileMode: null }).err, "");
});

Deno.test("what worked is remembered where the system keeps such things, unless --no-state", () => {
  const opened = (words: readonly string[], environment: Record<string, string>): boolean => {
    const host = fakeHost({ environment });
    const settings = new Settings(parseArguments(words, ALL_OPTIONS), ALL_OPTIONS, host.env);
    return openState(settings, host, { warning: () => {} }) !== undefined;
  };
  assert(opened([], { HOME: "/home/viewer" }));
  assertFalse(opened(["--no-state"], { HOME: "/home/viewer" }));
  assertFalse(opened([], { HOME: "/home/viewer", DAHUA_P2P_NO_STATE: "1" }));
  assertFalse(opened([], {}));
});
