import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  chooseDigestChallenge,
  digestAuthorization,
  type DigestChallenge,
  digestResponse,
  parseAuthSchemes,
} from "../../../lib/core/rtsp/digest.ts";

const HEX = "0123456789abcdef0123456789abcdef";
/** RFC 7616 section 3.9.1 and RFC 2617 section 3.5. */
const MUFASA = { username: "Mufasa", password: "Circle of Life" };
const RFC7616 = {
  realm: "http-auth@example.org",
  nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
  qop: "auth",
  opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
  stale: false,
} as const;
const RFC7616_REQUEST = {
  method: "GET",
  uri: "/dir/index.html",
  cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
  nonceCount: 1,
};

Deno.test("the examples of RFC 7616 come out", () => {
  assertEquals(
    digestResponse({ ...RFC7616, algorithm: "MD5" }, MUFASA, RFC7616_REQUEST),
    "8ca523f5e9506fed4657c9700eebdbec",
  );
  assertEquals(
    digestResponse({ ...RFC7616, algorithm: "SHA-256" }, MUFASA, RFC7616_REQUEST),
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
  );
});

Deno.test("the example of RFC 2617 comes out", () => {
  const challenge: DigestChallenge = {
    realm: "testrealm@host.com",
    nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
    algorithm: "MD5",
    qop: "auth",
    stale: false,
  };
  assertEquals(
    digestResponse(challenge, { username: "Mufasa", password: "Circle Of Life" }, {
      method: "GET",
      uri: "/dir/index.html",
      cnonce: "0a4f113b",
    }),
    "6629fae49393a05397450978507c4ef1",
  );
});

Deno.test("the challenge of a real device is answered in the form of RFC 2069", () => {
  const challenge = chooseDigestChallenge([`Digest realm="Login to ${HEX}", nonce="${HEX}"`])!;
  assertEquals(challenge, {
    realm: `Login to ${HEX}`,
    nonce: HEX,
    algorithm: "MD5",
    qop: "none",
    stale: false,
  });
  const value = digestAuthorization(challenge, { username: 'vi"ewer', password: "p" }, {
    method: "OPTIONS",
    uri: "rtsp://h/",
  });
  const [answer] = parseAuthSchemes(value);
  assertEquals(answer?.scheme, "Digest");
  assertEquals([...answer!.parameters.keys()], ["username", "realm", "nonce", "uri", "response"]);
  assertEquals(answer!.parameters.get("username"), 'vi"ewer');
});

Deno.test("the session forms depend on the client nonce, and need one", () => {
  const challenge: DigestChallenge = { ...RFC7616, qop: "none", algorithm: "SHA-256-sess" };
  const one = digestResponse(challenge, MUFASA, { ...RFC7616_REQUEST, cnonce: "a" });
  const two = digestResponse(challenge, MUFASA, { ...RFC7616_REQUEST, cnonce: "b" });
  assertEquals([one.length, one === two], [64, false]);
  assertThrows(() => digestResponse(challenge, MUFASA, { method: "GET", uri: "/" }), TypeError);
  const value = digestAuthorization(challenge, MUFASA, { ...RFC7616_REQUEST, cnonce: "a" });
  assertEquals(parseAuthSchemes(value)[0]?.parameters.get("cnonce"), "a");
});

Deno.test("the first challenge that can be answered is chosen, whatever its header", () => {
  const choose = (...values: string[]): string | undefined =>
    chooseDigestChallenge(values)?.algorithm;
  const md5 = 'Digest realm="r", nonce="n"';
  const sha = 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth-int, auth"';
  assertEquals(choose(sha, md5), "SHA-256");
  assertEquals(choose(`Basic realm="r", ${md5}`), "MD5");
  assertEquals(choose('Digest realm="r", nonce="n", algorithm=SHA-512-256', md5), "MD5");
  assertEquals(choose('Digest realm="r", nonce="n", qop="auth-int"'), undefined);
  assertEquals(choose('Basic realm="r"'), undefined);
  assertEquals(choose('Digest nonce="n"', ""), undefined);
  assertEquals(chooseDigestChallenge([`${md5}, stale=TRUE`])?.stale, true);
});

Deno.test("any header value is read without an exception and without delay", () => {
  const parts = fc.array(fc.constantFrom("Digest", " ", ",", "=", '"', "\\", "realm", "a"), {
    maxLength: 200,
  });
  fc.assert(fc.property(fc.oneof(fc.string(), parts.map((p) => p.join(""))), (value) => {
    chooseDigestChallenge([value]);
  }));
  parseAuthSchemes('Digest realm="' + "\\".repeat(16_000));
  parseAuthSchemes(" ,".repeat(8_000));
});
