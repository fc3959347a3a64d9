import { assert, assertEquals, assertThrows } from "@std/assert";
import { concatBytes } from "../../lib/core/bytes.ts";
import { PtcpConnection } from "../../lib/core/ptcp/connection.ts";
import { seededRandom } from "../../lib/core/random.ts";
import { Multiplexer, type MuxEvent, type RealmId } from "../../lib/core/realm/multiplexer.ts";
import { parseBenchArguments } from "../../scripts/bench/arguments.ts";
import { LEAN_PORTS, LeanSession } from "../../scripts/bench/lean_session.ts";
import { processCost } from "../../scripts/bench/process_meter.ts";
import { median, quantile } from "../../scripts/bench/statistics.ts";
import { formatTable } from "../../scripts/bench/table.ts";

Deno.test("the median lies in the middle, the quantile where it is asked for", () => {
  assertEquals(median([9, 1, 5]), 5);
  assertEquals(median([4, 1, 2, 3]), 2.5);
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assertEquals(quantile(hundred, 0.99), 100);
  assertEquals(quantile(hundred, 0), 1);
  assertThrows(() => median([]), RangeError);
});

Deno.test("a table aligns names to the left and figures to the right", () => {
  assertEquals(
    formatTable(["", "MB/s"], [["a long name", "7"], ["b", "1234"]]),
    [
      "             MB/s",
      "-----------  ----",
      "a long name     7",
      "b            1234",
    ].join("\n"),
  );
});

Deno.test("the bench takes its sizes from the arguments and refuses what it does not know", () => {
  const usual = parseBenchArguments([]);
  assert(usual.memoryBytes < 1e9);
  assertEquals(parseBenchArguments(["--long"]).memoryBytes, 5e9);
  const chosen = parseBenchArguments(["--rounds", "2", "--megabytes=1"]);
  assertEquals(chosen, { ...usual, rounds: 2, transferBytes: 1e6 });
  for (const wrong of [["--rounds", "0"], ["--rounds=x"], ["--fast"], ["now"]]) {
    assertThrows(() => parseBenchArguments(wrong), RangeError);
  }
});

Deno.test({
  name: "a process meter sees what this process costs",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    const before = processCost(Deno.pid);
    const until = performance.now() + 30;
    while (performance.now() < until);
    const after = processCost(Deno.pid);
    assert(after.cpuSeconds > before.cpuSeconds);
    assert(after.peakMemoryBytes >= after.memoryBytes && after.memoryBytes > 1e6);
  },
});

/** A multiplexer before a lean session, without a network in between. */
class LeanRig {
  now = 1000;
  readonly events: MuxEvent[] = [];
  readonly mux: Multiplexer;
  readonly #device = new LeanSession();

  constructor() {
    const connection = new PtcpConnection({ role: "active" });
    this.mux = new Multiplexer(connection, { random: seededRandom(3) });
    connection.open(this.now);
    this.exchange();
  }

  /** Hands over datagrams until nobody has any, but those that `lost` says are lost. */
  exchange(lost: (toDevice: boolean) => boolean = () => false): void {
    for (let moved = true; moved;) {
      moved = false;
      for (let b = this.mux.pollTransmit(); b; b = this.mux.pollTransmit()) {
        moved = true;
        if (!lost(true)) this.#device.handleSegment(b, this.now);
      }
      for (let b = this.#device.pollTransmit(this.now); b;) {
        moved = true;
        if (!lost(false)) this.mux.handleSegment(b, this.now);
        b = this.#device.pollTransmit(this.now);
      }
      for (let e = this.mux.pollEvent(); e; e = this.mux.pollEvent()) this.events.push(e);
    }
  }

  /** Lets time pass for both. */
  wait(ms: number): void {
    this.now += ms;
    this.mux.handleTimeout(this.now);
    this.#device.handleTimeout(this.now);
  }

  bind(port: number): RealmId {
    const realm = this.mux.bind(port, this.now);
    this.exchange();
    assert(this.events.some((e) => e.type === "realm-connected" && e.realm === realm));
    return realm;
  }

  read(realm: RealmId): Uint8Array {
    return concatBytes(this.mux.readMany(realm, 1e9, this.now));
  }

  isClosed(realm: RealmId): boolean {
    return this.events.some((e) => e.type === "realm-closed" && e.realm === realm);
  }
}

function countOf(bytes: number): Uint8Array {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, bytes);
  return header;
}

Deno.test("the lean device sends as many bytes as were asked for, and ends", () => {
  const rig = new LeanRig();
  const realm = rig.bind(LEAN_PORTS.source);
  rig.mux.write(realm, countOf(1_000_001), rig.now);
  let got = 0;
  for (let i = 0; i < 1000 && !rig.isClosed(realm); i++) {
    rig.exchange();
    got += rig.read(realm).length;
    rig.wait(1);
  }
  assertEquals(got + rig.read(realm).length, 1_000_001);
});

Deno.test("the lean device takes what is announced, answers one byte, and ends", () => {
  const rig = new LeanRig();
  const realm = rig.bind(LEAN_PORTS.sink);
  const bytes = concatBytes([countOf(200_000), new Uint8Array(200_000)]);
  for (let put = 0; put < bytes.length;) {
    put += rig.mux.write(realm, bytes.subarray(put), rig.now);
    rig.exchange();
    assertEquals(rig.isClosed(realm), put === bytes.length);
  }
  assertEquals(rig.read(realm).length, 1);
});

Deno.test("the lean device gives an echo while it sends to somebody else", () => {
  const rig = new LeanRig();
  const source = rig.bind(LEAN_PORTS.source);
  const echo = rig.bind(LEAN_PORTS.echo);
  rig.mux.write(source, countOf(100_000_000), rig.now);
  rig.mux.write(echo, Uint8Array.of(1, 2, 3), rig.now);
  let sent = 0;
  // Somebody else's bytes have no end: look after a while.
  rig.exchange(() => sent++ > 200);
  assertEquals(rig.read(echo), Uint8Array.of(1, 2, 3));
});

Deno.test("the lean device sends to the others when a client hangs up", () => {
  const rig = new LeanRig();
  const gone = rig.bind(LEAN_PORTS.source);
  const other = rig.bind(LEAN_PORTS.source);
  rig.mux.write(gone, countOf(1_000_000_000), rig.now);
  let datagrams = 0;
  rig.exchange(() => datagrams++ > 200);
  rig.mux.close(gone, rig.now);
  rig.wait(300);
  rig.mux.write(other, countOf(50_000), rig.now);
  let got = 0;
  for (let i = 0; i < 100 && !rig.isClosed(other); i++) {
    rig.exchange();
    got += rig.read(other).length;
    rig.wait(300);
  }
  assertEquals(got + rig.read(other).length, 50_000);
});

Deno.test("the lean device repeats what was lost", () => {
  const rig = new LeanRig();
  const realm = rig.bind(LEAN_PORTS.source);
  rig.mux.write(realm, countOf(300_000), rig.now);
  let datagrams = 0;
  let got = 0;
  for (let i = 0; i < 1000 && !rig.isClosed(realm); i++) {
    rig.exchange(() => datagrams++ % 50 === 49);
    got += rig.read(realm).length;
    rig.wait(300);
  }
  assertEquals(got + rig.read(realm).length, 300_000);
});
