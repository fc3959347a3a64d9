import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { fromHex, toHex, utf8 } from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import type { DeriveKey } from "../../../lib/core/types.ts";
import {
  decryptAddress,
  deviceAuth,
  deviceKey,
  encryptAddress,
  localAddressKey,
} from "../../../lib/core/cloud/device_auth.ts";
import { formatIdentify, parseIdentify } from "../../../lib/core/cloud/identify.ts";
import { decodeDeviceInfo, decryptInfo, encryptInfo } from "../../../lib/core/cloud/info.ts";
import { aes256Ofb } from "../../../lib/core/cloud/ofb.ts";
import { passwordDigest } from "../../../lib/core/cloud/wsse.ts";
import golden from "../../../fixtures/recorded/cloud/golden_vectors.json" with { type: "json" };

const derive: DeriveKey = (password, salt, iterations, length) =>
  pbkdf2(sha256, password, salt, { c: iterations, dkLen: length });
const decoder = new TextDecoder();

Deno.test("the WSSE digests of both vendor apps are the golden ones", () => {
  for (const { user, key, nonce, created, digest } of golden.wsse) {
    assertEquals(passwordDigest(user, key, nonce, created), digest);
  }
});

Deno.test("device keys, addresses and DevAuth are the golden ones", () => {
  for (const set of golden.deviceAuth) {
    const key = deviceKey(set.user, set.password, set.salt);
    assertEquals(decoder.decode(key), set.key);
    for (const vector of set.nonces) {
      const addressKey = localAddressKey(key, vector.nonce, derive);
      if (vector.addressKey) assertEquals(toHex(addressKey), vector.addressKey);
      if (vector.emptyDevAuth) {
        assertEquals(deviceAuth(key, vector.nonce, set.createDate, ""), vector.emptyDevAuth);
      }
      for (const address of vector.addresses) {
        const encrypted = encryptAddress(addressKey, address.plain);
        assertEquals(encrypted, address.encrypted);
        assertEquals(decryptAddress(addressKey, encrypted), address.plain);
        const proof = deviceAuth(key, vector.nonce, set.createDate, encrypted);
        assertEquals(proof, address.devAuth);
        if ("wrongDevAuth" in address) assertNotEquals(proof, address.wrongDevAuth);
      }
    }
  }
});

Deno.test("signing the plaintext would give exactly what devices refuse", () => {
  const set = golden.deviceAuth[0]!;
  const key = deviceKey(set.user, set.password, set.salt);
  for (const address of set.nonces[0]!.addresses) {
    assertEquals(
      deviceAuth(key, 777, set.createDate, address.plain),
      "wrongDevAuth" in address ? address.wrongDevAuth : "a golden value",
    );
  }
});

Deno.test("the golden Info blob decrypts to its JSON and back", () => {
  assertEquals(decryptInfo(golden.info.encrypted), golden.info.json);
  assertEquals(encryptInfo(golden.info.json), golden.info.encrypted);
});

Deno.test("device information holds version, salt and ports", () => {
  const body = new Map([["DevVersion", "6.7.30"], ["Info", golden.info.encrypted]]);
  assertEquals(decodeDeviceInfo(body), {
    version: "6.7.30",
    salt: "5daf91fc5cfc1be8e081cfb08f792726",
    ports: { httpport: 80, rtspport: 554, privport: 37777, tlsprivport: 37778 },
  });
});

Deno.test("an empty Info means no salt, an unreadable one is refused", () => {
  const none = { version: undefined, salt: undefined, ports: {} };
  assertEquals(decodeDeviceInfo(new Map([["Info", ""]])), none);
  assertEquals(decodeDeviceInfo(new Map()), none);
  assertEquals(decodeDeviceInfo(new Map([["Info", encryptInfo('{"randsalt":""}')]])), none);
  for (const info of ["!", "AAAA", encryptInfo("[]"), encryptInfo("null"), encryptInfo("x")]) {
    assertThrows(() => decodeDeviceInfo(new Map([["Info", info]])), DecodeError);
  }
});

Deno.test("OFB gives the key stream of NIST SP 800-38A F.4.5", () => {
  const key = fromHex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
  const iv = fromHex("000102030405060708090a0b0c0d0e0f");
  const plain = fromHex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
      "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
  );
  const cipher = "dc7e84bfda79164b7ecd8486985d38604febdc6740d20b3ac88f6ad82a4fb08d" +
    "71ab47a086e86eedf39d1c5bba97c4080126141d67f37be8538f5a8be740e484";
  assertEquals(toHex(aes256Ofb(key, iv, plain)), cipher);
  for (let length = 0; length <= plain.length; length++) {
    const cut = toHex(aes256Ofb(key, iv, plain.subarray(0, length)));
    assertEquals(cut, cipher.slice(0, 2 * length));
  }
});

Deno.test("an Identify is written without leading zeros, or padded, and read in both forms", () => {
  const bytes = fromHex(golden.identify.bytes);
  assertEquals(formatIdentify(bytes, "legacy"), golden.identify.legacy);
  assertEquals(formatIdentify(bytes, "padded"), "00 01 0a 10 ab cd ef ff");
  assertEquals(parseIdentify("0 1 a 10 ab cd ef ff"), bytes);
  assertEquals(parseIdentify(" 00 01 0A 10 AB CD EF FF\r\n"), bytes);
  for (
    const text of [
      "",
      "1 2 3",
      "0 1 a 10 ab cd ef ff 0",
      "0 1 a 10 ab cd ef 100",
      "0 1 g 1 1 1 1 1",
    ]
  ) {
    assertThrows(() => parseIdentify(text), DecodeError);
  }
});

Deno.test("any Identify survives both forms", () => {
  const eight = fc.uint8Array({ minLength: 8, maxLength: 8 });
  fc.assert(fc.property(eight, fc.constantFrom("legacy", "padded"), (bytes, form) => {
    assertEquals(parseIdentify(formatIdentify(bytes, form as "legacy" | "padded")), bytes);
  }));
});

Deno.test("any text as address or Info gives text or a DecodeError", () => {
  const addressKey = utf8("0123456789abcdef0123456789abcdef");
  fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
    for (
      const decode of [
        () => decryptAddress(addressKey, text),
        () => decodeDeviceInfo(new Map([["Info", text]])),
      ]
    ) {
      try {
        decode();
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    }
  }));
});
