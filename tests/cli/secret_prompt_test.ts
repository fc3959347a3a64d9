import { assertEquals, assertThrows } from "@std/assert";
import { askSecret, type SecretAnswer } from "../../lib/cli/secret_prompt.ts";
import { fakeHost } from "./fake_host.ts";

function ask(...input: string[]): SecretAnswer {
  const host = fakeHost({ input });
  return askSecret("? ", host.stdin, host.stderr);
}

Deno.test("a secret is what is typed until Enter, however it arrives", () => {
  assertEquals(ask("abc\r"), { type: "secret", secret: "abc" });
  assertEquals(ask("a", "b", "c", "\n"), { type: "secret", secret: "abc" });
  assertEquals(ask("pä\u{1f511} \r rest"), { type: "secret", secret: "pä\u{1f511} " });
});

Deno.test("typing errors can be corrected by whole characters", () => {
  assertEquals(ask("ab\x7fc\r"), { type: "secret", secret: "ac" });
  assertEquals(ask("aä\x08\r"), { type: "secret", secret: "a" });
  assertEquals(ask("\u{1f511}\x7f\x7f\x7fx\r"), { type: "secret", secret: "x" });
  assertEquals(ask("wrong\x15right\r"), { type: "secret", secret: "right" });
});

Deno.test("keys that make no character are ignored", () => {
  assertEquals(ask("\x00\x01a\x04b\x1b\r"), { type: "secret", secret: "ab" });
});

Deno.test("Ctrl-C interrupts, Ctrl-D and the end of input end", () => {
  assertEquals(ask("abc\x03"), { type: "interrupted" });
  assertEquals(ask("\x04"), { type: "ended" });
  assertEquals(ask("abc"), { type: "ended" });
});

Deno.test("an endless answer does not grow without bound", () => {
  const answer = ask("x".repeat(100_000), "\r");
  assertEquals(answer, { type: "secret", secret: "x".repeat(1024) });
});

Deno.test("the terminal leaves raw mode even when reading fails", () => {
  const host = fakeHost();
  const failing = {
    ...host.stdin,
    readSync: (): number => {
      throw new Error("hung up");
    },
  };
  assertThrows(() => askSecret("? ", failing, host.stderr), Error, "hung up");
  assertEquals(host.rawModes, [true, false]);
});
