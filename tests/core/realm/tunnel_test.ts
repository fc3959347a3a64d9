/** The multiplexer over real PTCP connections, in virtual time. */
import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../lib/core/bytes.ts";
import type { RealmId } from "../../../lib/core/realm/multiplexer.ts";
import { Tunnel } from "./tunnel.ts";

const BLOCK = new Uint8Array(16_384);

/** A client that always has more to send. */
function upload(tunnel: Tunnel, realm: RealmId): void {
  while (tunnel.mux.write(realm, BLOCK, tunnel.now) === BLOCK.length);
}

function uploadAlways(tunnel: Tunnel, realms: readonly RealmId[]): void {
  tunnel.onEvent = (event) => {
    if (event.type === "realm-writable" && realms.includes(event.realm)) {
      upload(tunnel, event.realm);
    }
  };
  for (const realm of realms) upload(tunnel, realm);
}

Deno.test("32 clients that send at once get equal shares of the upstream", () => {
  const tunnel = new Tunnel({}, { delayMs: 100, loss: 0 });
  const realms = Array.from({ length: 32 }, (_, i) => tunnel.connected(1000 + i));
  const received = new Map<RealmId, number>(realms.map((realm) => [realm, 0]));
  tunnel.onFrame = (frame) => {
    if (frame.type !== "data") return;
    received.set(frame.realm, received.get(frame.realm)! + frame.data.length);
  };
  uploadAlways(tunnel, realms);
  tunnel.run(tunnel.now + 60_000);
  const shares = [...received.values()];
  const mean = shares.reduce((sum, bytes) => sum + bytes, 0) / shares.length;
  assert(32 * mean > 10_000_000, `${32 * mean} bytes in a minute are no full upload`);
  for (const bytes of shares) assert(Math.abs(bytes / mean - 1) < 0.2, `${bytes} of ${mean}`);
});

Deno.test("a 200-byte request beside full uploads waits behind at most 64 KiB", () => {
  for (const uploads of [1, 31]) {
    const tunnel = new Tunnel({}, { delayMs: 20, loss: 0, bytesPerMs: 1000 });
    const realms = Array.from({ length: uploads }, (_, i) => tunnel.connected(1000 + i));
    const asking = tunnel.connected(80);
    let before = 0;
    let arrived = false;
    tunnel.onFrame = (frame) => {
      if (frame.type !== "data") return;
      if (frame.realm === asking) arrived = true;
      else if (!arrived) before += frame.data.length + 12;
    };
    uploadAlways(tunnel, realms);
    for (let i = 0; i < 5; i++) {
      tunnel.run(tunnel.now + 3000 + 7 * i);
      [before, arrived] = [0, false];
      const askedAt = tunnel.now;
      assertEquals(tunnel.mux.write(asking, new Uint8Array(200), tunnel.now), 200);
      while (!arrived && tunnel.now < askedAt + 1000) tunnel.run(tunnel.now + 1);
      assert(arrived, "the request did not arrive");
      assert(before > 40_000, `only ${before} bytes were under way: no full upload`);
      assert(before <= 65_536, `${before} bytes came before the request`);
      // What was in flight, headers included, at 1000 bytes a ms, and the way itself.
      assert(tunnel.now - askedAt <= 68 + 20 + 1, `${tunnel.now - askedAt} ms`);
    }
  }
});

Deno.test("what is written arrives once and in order over a line that loses", () => {
  const tunnel = new Tunnel({}, { delayMs: 10, loss: 0.02 });
  const realms = [tunnel.connected(80), tunnel.connected(81)];
  const arrived = new Map<RealmId, Uint8Array[]>(realms.map((realm) => [realm, []]));
  tunnel.onFrame = (frame) => {
    if (frame.type === "data") arrived.get(frame.realm)!.push(frame.data);
  };
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) ^ (i >> 8));
  const written = new Map<RealmId, number>(realms.map((realm) => [realm, 0]));
  const write = (realm: RealmId): void => {
    const from = written.get(realm)!;
    written.set(realm, from + tunnel.mux.write(realm, bytes.subarray(from), tunnel.now));
  };
  tunnel.onEvent = (event) => {
    if (event.type === "realm-writable") write(event.realm);
  };
  realms.forEach(write);
  tunnel.run(tunnel.now + 60_000);
  for (const realm of realms) assertEquals(concatBytes(arrived.get(realm)!), bytes);
  assertEquals(tunnel.mux.drained, true);
});

Deno.test("a client alone that does not read stops the device, for an hour, and loses nothing", () => {
  const tunnel = new Tunnel({ realmBufferBytes: 200_000 });
  tunnel.mux.heartbeats = "on";
  const realm = tunnel.connected(80);
  const sent = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 13) ^ (i >> 8));
  for (let at = 0; at < sent.length; at += 1280) {
    tunnel.say({ type: "data", realm, data: sent.subarray(at, at + 1280) });
  }
  tunnel.run(tunnel.now + 3_600_000);
  const held = tunnel.mux.readableBytes(realm);
  assert(held >= 200_000 && held < 202_000, `${held} bytes are held`);
  assert(tunnel.client.readableBytes <= 65_535);
  assert(tunnel.backlogFrames > 400, "the device was not stopped");
  assertEquals(tunnel.events.filter((e) => e.type === "realm-closed" || e.type === "closed"), []);

  const chunks: Uint8Array[] = [];
  for (let i = 0; i < 2000; i++) {
    chunks.push(...tunnel.mux.readMany(realm, 10_000, tunnel.now));
    tunnel.run(tunnel.now + 20);
  }
  assertEquals(concatBytes(chunks), sent);
});

Deno.test("a second client is served at once although the first has closed the window", () => {
  const tunnel = new Tunnel({ realmBufferBytes: 200_000 });
  const slow = tunnel.connected(80);
  for (let i = 0; i < 600; i++) {
    tunnel.say({ type: "data", realm: slow, data: new Uint8Array(1280) });
  }
  tunnel.run(tunnel.now + 60_000);
  assert(tunnel.backlogFrames > 100);
  const other = tunnel.mux.bind(81, tunnel.now);
  assertEquals(tunnel.mux.readableBytes(slow), 0);
  tunnel.run(tunnel.now + 2000);
  assertEquals(tunnel.events.slice(-2), [
    { type: "realm-closed", realm: slow, reason: "slow-client" },
    { type: "realm-connected", realm: other },
  ]);
  tunnel.say({ type: "data", realm: other, data: new Uint8Array(777) });
  tunnel.run(tunnel.now + 2000);
  assertEquals(tunnel.mux.readableBytes(other), 777);
  assertEquals(tunnel.backlogFrames, 0);
});

Deno.test("one client that does not read costs the others nothing", () => {
  const tunnel = new Tunnel({ realmBufferBytes: 100_000 });
  const [slow, ...readers] = [80, 81, 82, 83].map((port) => tunnel.connected(port));
  const got = new Map<RealmId, number>(readers.map((realm) => [realm, 0]));
  tunnel.onEvent = (event) => {
    if (event.type !== "realm-readable" || event.realm === slow) return;
    const chunks = tunnel.mux.readMany(event.realm, Infinity, tunnel.now);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    got.set(event.realm, got.get(event.realm)! + bytes);
  };
  for (let i = 0; i < 300; i++) {
    for (const realm of [slow!, ...readers]) {
      tunnel.say({ type: "data", realm, data: new Uint8Array(1000) });
    }
  }
  tunnel.run(tunnel.now + 10_000);
  assertEquals([...got.values()], [300_000, 300_000, 300_000]);
  assertEquals(tunnel.events.filter((e) => e.type === "realm-closed"), [
    { type: "realm-closed", realm: slow!, reason: "slow-client" },
  ]);
});

Deno.test("a clean end is acknowledged and leaves nothing to do", () => {
  const tunnel = new Tunnel();
  tunnel.connected(80);
  tunnel.connected(81);
  const discs: string[] = [];
  tunnel.onFrame = (frame) => {
    if (frame.type === "status") discs.push(String(frame.status));
  };
  tunnel.mux.closeAll(tunnel.now);
  tunnel.run(tunnel.now + 500);
  assertEquals(discs, ["DISC", "DISC"]);
  assertEquals(tunnel.mux.drained, true);
  assertEquals(tunnel.mux.realmCount, 0);
  assertEquals(tunnel.mux.pollDeadline(), undefined);
});

Deno.test("a frame that is no frame resets the connection, and the device hears of it", () => {
  const tunnel = new Tunnel();
  const realm = tunnel.connected(80);
  tunnel.say({ type: "unknown", kind: 0x42, bytes: new Uint8Array(30).fill(0x42) });
  tunnel.run(tunnel.now + 1000);
  assertEquals(tunnel.events.slice(-2), [
    { type: "realm-closed", realm, reason: "connection" },
    { type: "closed", reason: "protocol" },
  ]);
  assertEquals(tunnel.device.state, "closed");
});
