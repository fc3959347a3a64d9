import { assert, assertEquals } from "@std/assert";
import { decodeSequences, encodeSequences, readCorpus, readCrashers } from "./corpus.ts";
import { allTargets, Fuzzer } from "./engine.ts";
import { Soak } from "./soak.ts";
import { decoder } from "./target.ts";

const TARGETS = new Map(allTargets().map((target) => [target.name, target]));

Deno.test("what once broke a decoder or a machine breaks it no more", () => {
  for (const { file, target, inputs } of readCrashers()) {
    const known = TARGETS.get(target);
    assert(known !== undefined, `${file} names no target`);
    const startedAt = performance.now();
    known.run(inputs);
    assert(performance.now() - startedAt < 2_000, `${file} takes too long`);
  }
});

for (const target of TARGETS.values()) {
  const inputs = target.maxInputs === 1 ? 1_000 : target.name === "link" ? 200 : 400;
  Deno.test(`${target.name} survives a short fuzz`, () => {
    const fuzzer = new Fuzzer(target, 7, readCorpus(target.name));
    fuzzer.run({ inputs });
    assertEquals(fuzzer.crashes.map(({ error }) => error), []);
    assertEquals(fuzzer.slow, []);
  });
}

Deno.test("a decoder that throws anything but a DecodeError is found, and the input made small", () => {
  const broken = decoder("broken", [Uint8Array.of(1, 2, 3)], (bytes) => {
    if (bytes.includes(0xff)) throw new TypeError("boom");
  });
  const fuzzer = new Fuzzer(broken, 1);
  fuzzer.run({ inputs: 10_000 });
  assertEquals(fuzzer.crashes.length, 1);
  const { target, inputs } = fuzzer.crashes[0]!;
  assert(inputs[0]!.includes(0xff));
  const other = { target: "other", inputs: [new Uint8Array(), Uint8Array.of(1)] };
  assertEquals(decodeSequences(encodeSequences([{ target, inputs }, other])), [
    { target, inputs: [...inputs] },
    other,
  ]);
});

Deno.test("a decoder whose time is not linear is found", () => {
  const quadratic = decoder("quadratic", [new Uint8Array(8_192)], (bytes) => {
    let sum = 1;
    for (let i = 0; i < bytes.length; i++) {
      for (let j = 0; j < bytes.length; j++) sum = (sum * 31 + bytes[j]!) % 65_521;
    }
    return sum < 0 ? "never" : "summed";
  });
  const fuzzer = new Fuzzer(quadratic, 1, [], { baseMs: 5, msPerByte: 0.0005 });
  assertEquals(fuzzer.slow.map(({ target }) => target), ["quadratic"]);
});

Deno.test("a link under fire goes on, or ends and is made again", () => {
  const soak = new Soak();
  soak.run(3_000);
  assert(soak.links >= 1);
});
