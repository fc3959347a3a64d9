import { assert, assertEquals, assertFalse } from "@std/assert";
import { maskAddresses, Redactor, shortSerial } from "../../lib/cli/redaction.ts";

const SERIAL = "7C03E8CPAG0001F";

Deno.test("of a serial the first three and last three characters stay", () => {
  assertEquals(shortSerial(SERIAL), "7C0...01F");
  const redactor = new Redactor();
  redactor.addSerial(SERIAL);
  assertEquals(redactor.deviceName(SERIAL), "7C0...01F");
  assertEquals(redactor.text(`GET /probe/device/${SERIAL}?x`), "GET /probe/device/7C0...01F?x");
});

Deno.test("serials and addresses can be shown, secrets cannot", () => {
  const redactor = new Redactor();
  redactor.showSerials();
  redactor.addSerial(SERIAL);
  redactor.addSecret("hunter22");
  assertEquals(redactor.deviceName(SERIAL), SERIAL);
  assertEquals(redactor.text(`${SERIAL} hunter22`), `${SERIAL} [redacted]`);
  assertEquals(redactor.traceField("to", "203.0.113.9:8800"), "203.0.113.9:8800");
  assertEquals(redactor.traceField("token", "abcdef"), "[redacted]");
});

Deno.test("a secret is found plain, percent-encoded and inside JSON", () => {
  const redactor = new Redactor();
  redactor.addSecret('p@ss "w/ord"');
  for (
    const text of [
      'with p@ss "w/ord" end',
      `x=${encodeURIComponent('p@ss "w/ord"')}`,
      JSON.stringify({ x: 'p@ss "w/ord"' }),
    ]
  ) {
    const shown = redactor.text(text);
    assert(shown.includes("[redacted]"), shown);
    assertFalse(shown.includes("ord"), shown);
  }
});

Deno.test("a secret that contains another is replaced whole", () => {
  const redactor = new Redactor();
  redactor.addSecret("hunter");
  redactor.addSecret("hunter22");
  assertEquals(redactor.text("hunter22"), "[redacted]");
});

Deno.test("a very short password is not searched for: holes in other words would spell it out", () => {
  const redactor = new Redactor();
  redactor.addSecret("rel");
  redactor.addSecret("");
  assertEquals(redactor.text("path=relay"), "path=relay");
});

Deno.test("credentials in a URL are hidden whatever their letters", () => {
  const redactor = new Redactor();
  assertEquals(
    redactor.text("open rtsp://admin:p@ss:1@127.0.0.1:554/cam?x=1 now"),
    "open rtsp://[redacted]@127.0.0.1:554/cam?x=1 now",
  );
  assertEquals(redactor.text("rtsp://127.0.0.1:554/a@b"), "rtsp://127.0.0.1:554/a@b");
});

Deno.test("fields whose name tells of a secret are hidden", () => {
  const redactor = new Redactor();
  for (
    const name of [
      "password",
      "PasswordDigest",
      "RandSalt",
      "token",
      "nonce",
      "sign",
      "key",
      "DevAuth",
    ]
  ) {
    assertEquals(redactor.field(name, "abc"), "[redacted]", name);
  }
  assertEquals(redactor.field("sequence", 17), 17);
  assertEquals(redactor.field("phase", "auth"), "auth");
});

Deno.test("public addresses are masked in traces, private ones are not", () => {
  assertEquals(
    maskAddresses("203.0.113.9:8800 192.168.1.2 10.0.0.1 127.0.0.1:554 172.16.0.1 172.32.0.1"),
    "203.0.x.x:8800 192.168.1.2 10.0.0.1 127.0.0.1:554 172.16.0.1 172.32.x.x",
  );
  assertEquals(
    maskAddresses("100.64.0.1 100.128.0.1 169.254.1.1"),
    "100.64.0.1 100.128.x.x 169.254.1.1",
  );
  const redactor = new Redactor();
  assertEquals(redactor.traceField("from", "198.51.100.7:5000"), "198.51.x.x:5000");
  assertEquals(redactor.field("from", "198.51.100.7:5000"), "198.51.100.7:5000");
});

Deno.test("the login of a simulated device may stand in a URL, no other", () => {
  const redactor = new Redactor();
  redactor.addPublicLogin({ username: "admin", password: "admin123" });
  assertEquals(
    redactor.text("rtsp://admin:admin123@127.0.0.1/ rtsp://admin:admin1234@127.0.0.1/"),
    "rtsp://admin:admin123@127.0.0.1/ rtsp://[redacted]@127.0.0.1/",
  );
});
