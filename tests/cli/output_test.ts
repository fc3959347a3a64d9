import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { FailureError } from "../../lib/core/failure.ts";
import { LineOutput, OutputClosedError } from "../../lib/cli/output.ts";

class Sink {
  text = "";
  calls = 0;
  readonly #writeSome: (bytes: Uint8Array) => number;

  constructor(writeSome: (bytes: Uint8Array) => number = (bytes) => bytes.length) {
    this.#writeSome = writeSome;
  }

  writeSync(bytes: Uint8Array): number {
    this.calls++;
    const count = this.#writeSome(bytes);
    this.text += new TextDecoder().decode(bytes.subarray(0, count));
    return count;
  }
}

function failing(error: Error): Sink {
  return new Sink(() => {
    throw error;
  });
}

Deno.test("a line is written whole even when the system takes it in pieces", () => {
  const sink = new Sink((bytes) => Math.min(3, bytes.length));
  new LineOutput(sink, "throw").line("READY port=1554");
  assertEquals(sink.text, "READY port=1554\n");
});

Deno.test("data without a reader is an error of its own", () => {
  const output = new LineOutput(failing(new Deno.errors.BrokenPipe("os error 32")), "throw");
  assertThrows(() => output.line("x"), OutputClosedError);
  assertThrows(() => output.line("y"), OutputClosedError);
});

Deno.test("data on a full disk fails as what it is", () => {
  const full = new Error("No space left on device (os error 28)");
  const output = new LineOutput(failing(full), "throw");
  const error = assertThrows(() => output.line("x"), FailureError, "No space left on device");
  assertEquals(error.reason, "config");
});

Deno.test("logs without a reader are dropped, and not tried again and again", () => {
  const sink = failing(new Deno.errors.BrokenPipe("os error 32"));
  const output = new LineOutput(sink, "discard");
  output.line("x");
  output.line("y");
  assertEquals(sink.calls, 1);
});

Deno.test("a log line lost to a busy terminal does not silence the next one", () => {
  const errors: Error[] = [new Deno.errors.WouldBlock("os error 11")];
  const sink = new Sink((bytes) => {
    const error = errors.shift();
    if (error) throw error;
    return bytes.length;
  });
  const output = new LineOutput(sink, "discard");
  output.line("lost");
  output.line("kept");
  assertEquals(sink.text, "kept\n");
  assertInstanceOf(output, LineOutput);
});
