import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { decodeLatin1, utf8 } from "../../../lib/core/bytes.ts";
import { isSignaling, redactSignaling } from "../../../lib/core/capture/signaling_redaction.ts";

function redact(text: string): string {
  const bytes = utf8(text);
  const redacted = redactSignaling(bytes);
  assertEquals(redacted.length, bytes.length);
  return decodeLatin1(redacted);
}

interface Dialogue {
  readonly serial: string;
  readonly rows: readonly {
    readonly request: string;
    readonly responses: readonly { readonly text: string }[];
  }[];
}

async function recordedMessages(): Promise<{ serial: string; messages: string[] }> {
  const url = new URL(
    "../../../fixtures/recorded/cloud/dialogue_2024_type0.json",
    import.meta.url,
  );
  const dialogue: Dialogue = JSON.parse(await Deno.readTextFile(url));
  const messages = dialogue.rows.flatMap((row) => [
    row.request,
    ...row.responses.map((response) => response.text),
  ]);
  return { serial: dialogue.serial, messages };
}

Deno.test("the recorded dialogue keeps its lines and loses its secrets", async () => {
  const { serial, messages } = await recordedMessages();
  assert(messages.length >= 16);
  const token = "00112233445566778899";
  let tokens = 0;
  for (const message of messages) {
    assert(isSignaling(utf8(message)));
    const redacted = redact(message);
    for (const secret of [serial, token, token.toLowerCase(), "<user>", "<digest>", "123456789"]) {
      if (message.includes(secret)) tokens++;
      assertFalse(redacted.includes(secret), `${secret} in ${redacted}`);
    }
    assertEquals(redacted.split("\r\n").length, message.split("\r\n").length);
    for (const kept of ["CSeq: ", "HTTP/1.1", 'Created="2024-06-07T02:31:50Z"', "192.0.2."]) {
      assertEquals(redacted.split(kept).length, message.split(kept).length, kept);
    }
  }
  assert(tokens > 10);
});

Deno.test("a type 1 request loses everything a password could be guessed from", () => {
  const redacted = redact(
    "DHPOST /device/EXAMPLE0SERIAL0/p2p-channel HTTP/1.1\r\nCSeq: 5\r\n" +
      'Authorization: WSSE profile="UsernameToken"\r\n' +
      'X-WSSE: UsernameToken Username="cba1b29e", PasswordDigest="Zm9v+/=", Nonce="42", ' +
      'Created="2026-09-06T12:00:00Z"\r\nContent-Type: \r\nContent-Length: 300\r\n\r\n' +
      "<body><CreateDate>1700000000</CreateDate><DevAuth>2t2Cqkm5AuqmP1raemFg=</DevAuth>" +
      "<Nonce>777777</Nonce><RandSalt>5daf91fc5cfc1be8</RandSalt><UserName>admin</UserName>" +
      "<Identify>0 1 a 10 ab cd ef ff</Identify><IpEncrptV2>true</IpEncrptV2>" +
      "<LocalAddr>/R40Newcuzi0faikzfZA</LocalAddr><version>5.0.0</version></body>",
  );
  assertStringIncludes(redacted, "DHPOST /device/EXA*********AL0/p2p-channel HTTP/1.1\r\n");
  assertStringIncludes(
    redacted,
    'X-WSSE: UsernameToken Username="********", PasswordDigest="*******", Nonce="**", ' +
      'Created="2026-09-06T12:00:00Z"\r\n',
  );
  assertStringIncludes(
    redacted,
    "<body><CreateDate>1700000000</CreateDate><DevAuth>*********************</DevAuth>" +
      "<Nonce>******</Nonce><RandSalt>****************</RandSalt><UserName>*****</UserName>" +
      "<Identify>0 1 a 10 ab cd ef ff</Identify><IpEncrptV2>true</IpEncrptV2>" +
      "<LocalAddr>********************</LocalAddr><version>5.0.0</version></body>",
  );
});

Deno.test("tokens in paths, salts in Info and unknown fields are blanked", () => {
  const path = redact("DHGET /relay/unbind/AABB-ccdd HTTP/1.1\r\nCSeq: 9\r\nX-New: hush\r\n\r\n");
  assertEquals(
    path,
    "DHGET /relay/unbind/********* HTTP/1.1\r\nCSeq: 9\r\nX-New: ****\r\n\r\n",
  );
  const info = redact("HTTP/1.1 200 OK\r\n\r\n<body><Info>sLwAgMEO</Info><New>hush</New></body>");
  assertStringIncludes(info, "<Info>********</Info><New>****</New>");
  const json = redact('HTTP/1.1 200 OK\r\n\r\n{"rtspport":554,"randsalt":"hush","pin":1234}');
  assertStringIncludes(json, '{"rtspport":554,"randsalt":"****","pin":****}');
  const other = redact("HTTP/1.1 200 OK\r\n\r\nhush hush");
  assertStringIncludes(other, "\r\n\r\n**** ****");
});

Deno.test("a kept field with an unexpected value is blanked", () => {
  const redacted = redact(
    "HTTP/1.1 200 OK\r\n\r\n<body><version>5.0 hush!</version><Time>a30</Time>" +
      "<PubAddr>198.51.100.20:1</PubAddr><Tag hush='1'>x</Tag></body>",
  );
  assertFalse(redacted.includes("hush"));
  assertFalse(redacted.includes("a30"));
  assertStringIncludes(redacted, "<PubAddr>198.51.100.20:1</PubAddr>");
});

Deno.test("a message cut anywhere shows no more than the whole one", async () => {
  const { serial, messages } = await recordedMessages();
  for (const message of messages) {
    const whole = redact(message);
    for (let length = 0; length < message.length; length++) {
      const cut = redact(message.slice(0, length));
      assertFalse(cut.includes(serial));
      for (let i = 0; i < length; i++) {
        // A cut may blank more (an element without its end), never less.
        if (cut[i] !== "*") assertEquals(cut[i], message[i]);
        if (whole[i] === "*" && message[i] !== "*" && cut[i] !== "*") {
          // The path of a request line that lost its end is still judged by segments.
          assertMatch(message.slice(0, length), /^[A-Z]+ \/\S*$/);
        }
      }
    }
  }
});

Deno.test("any bytes come back in the same length and linear time", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    assertEquals(redactSignaling(bytes).length, bytes.length);
  }));
  for (const unit of ["<", '\\"', '{"', 'a="', "\n:", "<a>", '"', "/", "\r\n", " "]) {
    const text = "HTTP/1.1 200 OK\r\nX-WSSE: " + unit.repeat(5000) + "\r\n\r\n{" +
      unit.repeat(20_000);
    const before = performance.now();
    redact(text);
    assert(performance.now() - before < 500, `slow for ${JSON.stringify(unit)}`);
  }
});
