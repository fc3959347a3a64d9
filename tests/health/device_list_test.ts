import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FailureError } from "../../lib/core/failure.ts";
import { parseDeviceList } from "../../lib/health/device_list.ts";
import { isInShard } from "../../lib/health/shard.ts";

const A = "EXAMPLE0SERIAL0";
const B = "EXAMPLE0SERIAL1";
const read = (text: string): ReturnType<typeof parseDeviceList> =>
  parseDeviceList(text, "The list");

Deno.test("text is a serial and a name a line, with remarks and blank lines", () => {
  const { devices, bad } = read(`\ufeff# all of them\n\n${A}\r\n${B}  the gate # north\n`);
  assertEquals(devices, [{ serial: A }, { serial: B, name: "the gate" }]);
  assertEquals(bad, []);
});

Deno.test("CSV is known by its header, whatever separates its columns", () => {
  for (const separator of [",", ";", "\t"]) {
    const text = [
      ["Name", "SERIAL", "ports", "Password File", "colour", "username"],
      [separator === "\t" ? "xy" : `"x${separator}y"`, A, '"554 80"', "/run/a", "red", "viewer"],
      ["", "", "", "", "", ""],
      ["z", B, "", "", "", ""],
    ].map((cells) => cells.join(separator)).join("\n");
    assertEquals(read(text).devices, [
      {
        serial: A,
        name: separator === "\t" ? "xy" : `x${separator}y`,
        ports: [554, 80],
        username: "viewer",
        passwordFile: "/run/a",
      },
      { serial: B, name: "z" },
    ]);
  }
});

Deno.test("JSON is an array of serials and objects, or an object that holds one", () => {
  const list = [A, { serial: B, name: "gate", channels: [1, 2, 2], ports: "80" }];
  const expected = [{ serial: A }, { serial: B, name: "gate", channels: [1, 2], ports: [80] }];
  assertEquals(read(JSON.stringify(list)).devices, expected);
  assertEquals(read(JSON.stringify({ devices: list })).devices, expected);
});

Deno.test("an entry that cannot be used costs itself, and is named by its place", () => {
  const table: readonly [string, string, string][] = [
    [`${A}\nshort\n`, "line 2", "10 to 32 letters"],
    [`serial,name\n${A},x\n,y\n`, "row 3", "names no serial"],
    [`["${A}", 7]`, "entry 2", "names no serial"],
    [`serial,ports\n${A},\n${B},0\n`, "row 3", "ports"],
    [`serial,channels\n${A},\n${B},x\n`, "row 3", "channels"],
    [`${A}\n${B} a\u001b[31mb\n`, "line 2", "printable"],
    [`${A}\n${B} ${"x".repeat(65)}\n`, "line 2", "longer than 64"],
  ];
  for (const [text, where, why] of table) {
    const { devices, bad } = read(text);
    assertEquals(devices.map(({ serial }) => serial), [A], text);
    assertEquals(bad.map((entry) => entry.where), [where]);
    assert(bad[0]!.failure.what.includes(why), bad[0]!.failure.what);
    assertEquals(bad[0]!.failure.reason, "config");
  }
});

Deno.test("of a serial that stands there twice the first entry counts", () => {
  const { devices, repeated } = read(`${A} one\n${B}\n${A} two\n`);
  assertEquals(devices, [{ serial: A, name: "one" }, { serial: B }]);
  assertEquals(repeated, 1);
});

Deno.test("a list that is none is refused as a whole", () => {
  const lists = [
    "",
    "# nothing\n",
    "[",
    "{}",
    '{"devices": 5}',
    "[]",
    'serial,name\nX,"open',
    "serial,name\n",
    "x".repeat(10_000_001),
  ];
  for (const text of lists) {
    const error = assertThrows(() => read(text), FailureError);
    assertEquals(error.reason, "config");
    assert(!error.message.includes("open"));
  }
});

Deno.test("any text is a list or is refused, and no name can command a terminal", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = String.fromCharCode(...bytes);
      try {
        for (const { name = "" } of read(text).devices) {
          // deno-lint-ignore no-control-regex -- they are what is looked for
          assert(!/[\u0000-\u001f\u007f-\u009f]/.test(name));
        }
      } catch (error) {
        if (!(error instanceof FailureError)) throw error;
      }
    }),
  );
});

Deno.test("every device is in exactly one shard, and the shards are of a size", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.uuid(), (count, serial) => {
      const shards = Array.from(
        { length: count },
        (_, index) => isInShard(serial, { index, count }),
      );
      assertEquals(shards.filter(Boolean).length, 1);
    }),
  );
  const sizes = [0, 1, 2, 3].map((index) =>
    Array.from({ length: 1_000 }, (_, i) => `DEVICE${i}`)
      .filter((serial) => isInShard(serial, { index, count: 4 })).length
  );
  for (const size of sizes) assert(size > 200 && size < 300, `${sizes}`);
});
