import { assert, assertEquals } from "@std/assert";
import { fromHex, readUint32, toHex } from "../../../lib/core/bytes.ts";
import { DEVICE_QUIRKS, PtcpConnection } from "../../../lib/core/ptcp/connection.ts";
import {
  decodeSegment,
  encodeSegment,
  FLAG_CTL,
  type Segment,
} from "../../../lib/core/ptcp/segment.ts";

/** One row of the recording; bodies by their first bytes and length. */
interface Row {
  readonly n: number;
  readonly peer: "agent" | "device";
  readonly dir: "in" | "out";
  readonly seq: number;
  readonly ack: number;
  readonly control_flags_window: string;
  readonly ts: number;
  readonly ts_echo: number;
  readonly length: number;
  readonly body_head?: string;
}

const ROWS: readonly Row[] = Deno.readTextFileSync(
  new URL("../../../fixtures/recorded/ptcp-direct-2024.jsonl", import.meta.url),
).trim().split("\n").map((line) => JSON.parse(line));

/** The datagram of a row, its body filled up with zeros. */
function datagram(row: Row): Uint8Array {
  const head = fromHex(row.body_head ?? "");
  const words = [0x50544350, row.seq, row.ack, 0, row.ts, row.ts_echo];
  const bytes = new Uint8Array(24 + row.length);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word);
  bytes.set(fromHex(row.control_flags_window), 12);
  bytes.set(head.subarray(0, row.length), 24);
  return bytes;
}

/** Rows with one peer. */
function rowsWith(peer: Row["peer"]): readonly Row[] {
  return ROWS.filter((row) => row.peer === peer);
}

Deno.test("the recording holds all 93 rows", () => {
  assertEquals(ROWS.map((row) => row.n), Array.from({ length: 93 }, (_, i) => i + 1));
});

Deno.test("every recorded row decodes into its fields and encodes byte-exact", () => {
  for (const row of ROWS) {
    const bytes = datagram(row);
    const segment = decodeSegment(bytes);
    assertEquals(
      [segment.sequence, segment.ack, segment.timestamp, segment.echo, segment.payload.length],
      [row.seq, row.ack, row.ts, row.ts_echo, row.length],
      `row ${row.n}`,
    );
    assertEquals(readUint32(bytes, 12).toString(16).padStart(8, "0"), row.control_flags_window);
    assertEquals(toHex(encodeSegment(segment)), toHex(bytes), `row ${row.n}`);
  }
});

/** Feeds the peer's rows to our active end, which writes what the recorded client wrote. */
function replay(peer: Row["peer"]): { connection: PtcpConnection; acks: Map<number, number> } {
  const rows = rowsWith(peer);
  const first = rows.find((row) => row.dir === "in")!.ts;
  const connection = new PtcpConnection({ role: "active", ackDelayMs: 20 });
  const acks = new Map<number, number>();
  const sent: Segment[] = [];
  let now = 0;
  let ownBytes = 0;
  const drain = (): void => {
    for (let out; (out = connection.pollTransmit()) !== undefined;) {
      const segment = decodeSegment(out);
      sent.push(segment);
      // What we send never acknowledges more than the device has sent.
      ownBytes = Math.max(ownBytes, segment.sequence + segment.payload.length);
    }
    while (connection.pollEvent() !== undefined);
  };
  connection.open(now);
  drain();
  for (const row of rows) {
    if (row.dir === "in") {
      const at = Math.max(now, row.ts - first);
      for (let due; (due = connection.pollDeadline()) !== undefined && due.at <= at;) {
        now = Math.max(now, due.at);
        connection.handleTimeout(now);
        drain();
      }
      now = at;
      connection.handleSegment(datagram(row), now);
      while (connection.read() !== undefined);
      drain();
      acks.set(row.n, ackNow(connection, now));
    } else if (row.length > 0 && !row.control_flags_window.startsWith("0002")) {
      assert(connection.write(datagram(row).subarray(24), now), `row ${row.n} is written`);
      drain();
      assertEquals(sent.at(-1)!.sequence, row.seq, `row ${row.n} has its recorded sequence`);
      assertEquals(toHex(sent.at(-1)!.payload), toHex(datagram(row).subarray(24)));
    }
  }
  assertEquals(connection.state, "open");
  assertEquals(connection.stats.retransmits, 0);
  return { connection, acks };

  /** Our ack number once the delayed ack has left. */
  function ackNow(end: PtcpConnection, at: number): number {
    const due = end.pollDeadline();
    if (due !== undefined && due.reason === "ack-delay" && due.at <= at + 20) {
      now = due.at;
      end.handleTimeout(now);
      drain();
    }
    return sent.at(-1)!.ack;
  }
}

Deno.test("the agent's half replayed against our connection does not stall", () => {
  const { connection } = replay("agent");
  assertEquals(connection.unacknowledgedBytes, 0);
  assertEquals(connection.stats.bytesIn, 16);
});

Deno.test("the device's half replayed against our connection does not stall", () => {
  const { connection, acks } = replay("device");
  const rows = rowsWith("device").filter((row) => row.dir === "in");
  const last = rows.at(-1)!;
  assertEquals(acks.get(93), last.seq + last.length);
  assertEquals(connection.stats.bytesIn, last.seq + last.length - 4);
  assertEquals(connection.unacknowledgedBytes, 0);
});

Deno.test("the duplicate of rows 83 to 92 does not advance our ack twice", () => {
  const { connection, acks } = replay("device");
  const expected = { 81: 0x2977, 83: 0x29e8, 85: 0x29e8, 87: 0x2a48, 89: 0x2aa8, 91: 0x2b0c };
  for (const [row, ack] of Object.entries(expected)) {
    assertEquals(acks.get(Number(row)), ack, `after row ${row}`);
  }
  assertEquals(connection.stats.duplicatesIn, 1);
});

Deno.test("our ack never passes what the device has sent, in no row", () => {
  const { acks } = replay("device");
  let sentByDevice = 0;
  for (const row of rowsWith("device")) {
    if (row.dir !== "in") continue;
    sentByDevice = Math.max(sentByDevice, row.seq + row.length);
    assertEquals(acks.get(row.n), sentByDevice, `row ${row.n}`);
  }
});

Deno.test("our passive end with the device's quirks answers the client as recorded, until row 84", () => {
  const rows = rowsWith("device").filter((row) => row.n <= 82);
  const first = rows.find((row) => row.dir === "in")!;
  const device = new PtcpConnection({
    role: "passive",
    timestampOriginMs: first.ts,
    quirks: DEVICE_QUIRKS,
  });
  let expectedEcho = 0;
  for (const [index, row] of rows.entries()) {
    const next = rows[index + 1];
    if (row.dir === "out") {
      const now = (next?.dir === "in" ? next.ts : row.ts) - first.ts;
      const at = next?.dir === "in" ? now : Math.max(0, now);
      device.handleSegment(datagram(row), Math.max(0, at));
      while (device.read() !== undefined);
      continue;
    }
    const now = row.ts - first.ts;
    device.handleTimeout(now);
    const isData = row.length > 0 && !row.control_flags_window.startsWith("0002");
    let out = isData ? undefined : device.pollTransmit();
    if (isData) {
      assert(device.write(datagram(row).subarray(24), now), `row ${row.n}`);
      // The device piggybacks an ack where the log has no empty segment before the data.
      out = device.pollTransmit();
      if (out !== undefined && out.length === 24) out = device.pollTransmit();
    }
    assert(out !== undefined, `row ${row.n} is sent`);
    const segment = decodeSegment(out);
    assertEquals(segment.sequence, row.seq, `sequence of row ${row.n}`);
    assertEquals(segment.ack, row.ack, `ack of row ${row.n}`);
    assertEquals(segment.timestamp, row.ts, `timestamp of row ${row.n}`);
    const flags = row.control_flags_window.startsWith("0002") ? FLAG_CTL : 0;
    assertEquals(segment.flags, flags);
    const window = parseInt(row.control_flags_window.slice(4), 16);
    assertEquals(segment.window, window, `window of row ${row.n}`);
    if (segment.echo !== row.ts_echo) expectedEcho++;
  }
  assertEquals(expectedEcho, 0, "rows with another echo");
});
