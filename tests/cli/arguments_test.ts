import { assertEquals, assertFalse, assertThrows } from "@std/assert";
import { type Arguments, parseArguments } from "../../lib/cli/arguments.ts";
import { ALL_OPTIONS } from "../../lib/cli/options.ts";
import { FailureError } from "../../lib/core/failure.ts";

function parse(...words: string[]): Arguments {
  return parseArguments(words, ALL_OPTIONS);
}

function flat(...words: string[]): Record<string, readonly string[]> {
  const { given, operands } = parse(...words);
  return Object.fromEntries([
    ...[...given].map(([option, values]) => [option.name, values] as const),
    ["", operands],
  ]);
}

function refusal(...words: string[]): string {
  const error = assertThrows(() => parse(...words), FailureError);
  assertEquals(error.reason, "usage");
  return error.message;
}

Deno.test("options are understood in every usual form", () => {
  assertEquals(flat("-u", "viewer", "SERIAL"), { username: ["viewer"], "": ["SERIAL"] });
  assertEquals(flat("-uviewer"), { username: ["viewer"], "": [] });
  assertEquals(flat("--username=viewer"), { username: ["viewer"], "": [] });
  assertEquals(flat("--username", "viewer"), { username: ["viewer"], "": [] });
  assertEquals(flat("-dr"), { debug: ["true"], relay: ["true"], "": [] });
  assertEquals(flat("-rt1"), { relay: ["true"], type: ["1"], "": [] });
  assertEquals(flat("-d", "-d"), { debug: ["true", "true"], "": [] });
  assertEquals(flat("-L", "1:2", "-L3:4"), { forward: ["1:2", "3:4"], "": [] });
});

Deno.test("values that look odd arrive unchanged", () => {
  assertEquals(flat("--password-file", "-"), { "password-file": ["-"], "": [] });
  assertEquals(flat("--password=-x=y"), { password: ["-x=y"], "": [] });
  assertEquals(flat("-p", "a=b c"), { password: ["a=b c"], "": [] });
  assertEquals(flat("-p=x"), { password: ["=x"], "": [] });
  assertEquals(flat("-p", "true"), { password: ["true"], "": [] });
  assertEquals(flat("0123456789"), { "": ["0123456789"] });
});

Deno.test("after -- everything is an operand", () => {
  assertEquals(flat("a", "--", "-d", "--", "b"), { "": ["a", "-d", "--", "b"] });
});

Deno.test("an unknown option is refused without the value behind it", () => {
  assertEquals(refusal("--frobnicate"), 'Unknown option "--frobnicate". --help lists all options.');
  assertEquals(refusal("-x"), 'Unknown option "-x". --help lists all options.');
  assertFalse(refusal("--passwort=hunter22").includes("hunter22"));
  assertFalse(refusal("-xhunter22").includes("hunter22"));
  assertEquals(refusal("--user"), 'Unknown option "--user". Did you mean --username?');
  for (const name of ["__proto__", "constructor", "a.b", ""]) refusal(`--${name}=1`);
  refusal("--no-debug");
});

Deno.test("a missing value is refused, with the way to write one that starts with a dash", () => {
  const message = refusal("-p");
  assertEquals(
    message,
    "-p, --password needs a value. Write --password PASSWORD. " +
      "A value that starts with a dash is written --password=VALUE.",
  );
  refusal("-u", "-p", "x");
  refusal("--timeout", "--debug");
  refusal("--timeout", "--");
});

Deno.test("an empty value, a repeated option and a value for a switch are refused", () => {
  assertEquals(refusal("-u", ""), "-u, --username has an empty value. Write --username NAME.");
  assertEquals(
    refusal("--cloud="),
    "--cloud has an empty value. Write --cloud auto|easy4ip|dolynk|HOST[:PORT].",
  );
  assertEquals(
    refusal("--path", "auto", "--path=auto"),
    "--path is given twice. Give it once.",
  );
  assertEquals(refusal("--debug=1"), "--debug takes no value. Leave out the equals sign.");
  assertEquals(refusal("--debug="), "--debug takes no value. Leave out the equals sign.");
});

Deno.test("an endless command line is refused", () => {
  refusal(...Array.from({ length: 1001 }, () => "x"));
});

Deno.test("a missing, repeated or unknown option never repeats a password", () => {
  for (
    const words of [
      ["-p", "hunter22", "-p", "hunter33"],
      ["-p", "hunter22", "-u"],
      ["--password=hunter22", "--nope"],
      ["-dphunter22", "-phunter33"],
    ]
  ) {
    assertFalse(/hunter/.test(refusal(...words)), words.join(" "));
  }
});
