import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { DecodeError, invariant, InvariantError, StateError } from "../../lib/core/errors.ts";
import { type Failure, FailureError } from "../../lib/core/failure.ts";

Deno.test("whose fault it is can be told from the type", () => {
  const errors = [new DecodeError("a"), new StateError("b"), new InvariantError("c")];
  assertEquals(errors.map(({ name }) => name), ["DecodeError", "StateError", "InvariantError"]);
  for (const error of errors) assertInstanceOf(error, Error);
});

Deno.test("a decode error says what and where", () => {
  const error = new DecodeError("segment too short", 24);
  assertEquals([error.what, error.offset], ["segment too short", 24]);
  assertStringIncludes(error.message, "segment too short");
  assertStringIncludes(error.message, "24");
});

Deno.test("an invariant that holds costs nothing, one that does not throws", () => {
  invariant(1, "one is truthy");
  assertThrows(() => invariant(0, "the queue is bounded"), InvariantError, "the queue is bounded");
});

Deno.test("a failure error carries its failure and says both sentences", () => {
  const failure: Failure = { reason: "usage", what: "It is wrong.", advice: "Mend it." };
  const error = new FailureError(failure);
  assertEquals(error.reason, "usage");
  assertEquals(error.failure, failure);
  assertEquals(error.message, "It is wrong. Mend it.");
  assertEquals(new FailureError({ ...failure, advice: "" }).message, "It is wrong.");
});
