import { assertEquals } from "@std/assert";
import { RealmStream } from "../../lib/net/realm_stream.ts";

const NOTHING = {
  write: (bytes: Uint8Array): number => bytes.length,
  read: (): Uint8Array[] => [],
  finish: (): void => {},
  close: (): void => {},
};

Deno.test("room that is announced while a write goes out is not missed", async () => {
  let calls = 0;
  const stream: RealmStream = new RealmStream({
    ...NOTHING,
    write: (bytes) => {
      calls++;
      if (calls > 1) return bytes.length;
      stream.onWritable();
      return 1;
    },
  });
  assertEquals(await stream.write(new Uint8Array(3)), true);
  assertEquals(calls, 2);
});

Deno.test("bytes that are announced while a read finds none are not missed", async () => {
  let calls = 0;
  const stream: RealmStream = new RealmStream({
    ...NOTHING,
    read: () => {
      calls++;
      if (calls > 1) return [new Uint8Array(5)];
      stream.onReadable();
      return [];
    },
  });
  assertEquals((await stream.read())?.[0]?.length, 5);
});

Deno.test("after a read the next one waits until bytes are announced", async () => {
  let reads = 0;
  const stream = new RealmStream({
    ...NOTHING,
    read: () => {
      reads++;
      return [new Uint8Array(reads)];
    },
  });
  assertEquals((await stream.read())?.[0]?.length, 1);
  const second = stream.read();
  await Promise.resolve();
  assertEquals(reads, 1);
  stream.onReadable();
  assertEquals((await second)?.[0]?.length, 2);
});

Deno.test("a read that found as much as it may take asks again without an announcement", async () => {
  const stream = new RealmStream({ ...NOTHING, read: () => [new Uint8Array(262_144)] });
  await stream.read();
  assertEquals((await stream.read())?.[0]?.length, 262_144);
});

Deno.test("a writer that waits learns that the realm is gone", async () => {
  const stream = new RealmStream({ ...NOTHING, write: () => 0 });
  const written = stream.write(new Uint8Array(3));
  stream.onClosed("device");
  assertEquals(await written, false);
  assertEquals(await stream.ended, "device");
});

Deno.test("what was buffered can be read after the realm has closed", async () => {
  const chunks = [new Uint8Array(2)];
  const stream = new RealmStream({ ...NOTHING, read: () => chunks.splice(0) });
  stream.onClosed("device");
  assertEquals((await stream.read())?.length, 1);
  assertEquals(await stream.read(), undefined);
});

Deno.test("a refused realm opens as refused and reads as ended", async () => {
  const stream = new RealmStream(NOTHING);
  stream.onRefused();
  assertEquals(await stream.opened, "refused");
  assertEquals(await stream.read(), undefined);
});

Deno.test("closing twice tells the session once", () => {
  let closes = 0;
  const stream = new RealmStream({ ...NOTHING, close: () => closes++ });
  stream.close();
  stream.close();
  assertEquals(closes, 1);
});

Deno.test("closing a stream lets go of what the device sent before it closed", () => {
  let closes = 0;
  const stream = new RealmStream({ ...NOTHING, close: () => closes++ });
  stream.onClosed("device");
  assertEquals(closes, 0);
  stream.close();
  stream.close();
  assertEquals(closes, 1);
});
