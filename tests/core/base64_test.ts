import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeBase64, encodeBase64 } from "../../lib/core/base64.ts";
import { utf8 } from "../../lib/core/bytes.ts";
import { DecodeError } from "../../lib/core/errors.ts";

Deno.test("the vectors of RFC 4648 section 10 encode and decode", () => {
  const vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
  vectors.forEach((text, length) => {
    const bytes = utf8("foobar".slice(0, length));
    assertEquals(encodeBase64(bytes), text);
    assertEquals(decodeBase64(text), bytes);
  });
});

Deno.test("any bytes survive base64", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    assertEquals(decodeBase64(encodeBase64(bytes)), bytes);
    assertEquals(encodeBase64(bytes), btoa(String.fromCharCode(...bytes)));
  }));
});

Deno.test("white space is skipped and missing padding accepted", () => {
  assertEquals(decodeBase64(" Zm9v\r\nYg"), utf8("foob"));
});

Deno.test("what is no base64 is refused", () => {
  for (const text of ["Z", "Zm9vY", "Zg=", "Zg=a", "Zm9=v", "Zm_v", "Zm9v=", "Zmé="]) {
    assertThrows(() => decodeBase64(text), DecodeError);
  }
});

Deno.test("any text gives bytes or a DecodeError", () => {
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => {
    try {
      decodeBase64(text);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }));
});
