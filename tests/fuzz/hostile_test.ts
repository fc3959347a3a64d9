import { assertEquals } from "@std/assert";
import { fromHex } from "../../lib/core/bytes.ts";
import { allTargets, encodeSequence, Fuzzer } from "./engine.ts";
import { decoder, must } from "./target.ts";

const HOSTILE = new URL("../../fixtures/hostile/", import.meta.url);
const TARGETS = new Map(allTargets().map((target) => [target.name, target]));

function decodeSequence(text: string): { readonly target: string; readonly inputs: Uint8Array[] } {
  const [target = "", ...lines] = text.trimEnd().split("\n");
  return { target, inputs: lines.map((line) => line === "-" ? new Uint8Array() : fromHex(line)) };
}

Deno.test("what once broke a decoder or a machine breaks it no more", () => {
  for (const { name } of Deno.readDirSync(HOSTILE)) {
    if (!name.endsWith(".txt")) continue;
    const { target, inputs } = decodeSequence(Deno.readTextFileSync(new URL(name, HOSTILE)));
    const known = TARGETS.get(target);
    must(known !== undefined, `${name} names no target`);
    const startedAt = performance.now();
    known!.run(inputs);
    must(performance.now() - startedAt < 2_000, `${name} takes too long`);
  }
});

for (const target of TARGETS.values()) {
  const inputs = target.maxInputs === 1 ? 1_000 : target.name === "link" ? 200 : 400;
  Deno.test(`${target.name} survives a short fuzz`, () => {
    const fuzzer = new Fuzzer(target, 7);
    fuzzer.run(inputs);
    assertEquals(fuzzer.crashes.map(({ error }) => error), []);
    assertEquals(fuzzer.slow, []);
  });
}

Deno.test("a decoder that throws anything but a DecodeError is found, and the input made small", () => {
  const broken = decoder("broken", [Uint8Array.of(1, 2, 3)], (bytes) => {
    if (bytes.includes(0xff)) throw new TypeError("boom");
  });
  const fuzzer = new Fuzzer(broken, 1);
  fuzzer.run(10_000);
  assertEquals(fuzzer.crashes.length, 1);
  const { target, inputs } = decodeSequence(
    encodeSequence(fuzzer.crashes[0]!.target, fuzzer.crashes[0]!.inputs),
  );
  assertEquals([target, inputs], ["broken", [...fuzzer.crashes[0]!.inputs]]);
});

Deno.test("a decoder whose time is not linear is found", () => {
  const quadratic = decoder("quadratic", [new Uint8Array(4_096)], (bytes) => {
    const endsAt = performance.now() + bytes.length ** 2 / 100_000;
    while (performance.now() < endsAt);
  });
  const fuzzer = new Fuzzer(quadratic, 1);
  assertEquals(fuzzer.slow.map(({ target }) => target), ["quadratic"]);
});
