/**
 * Codecs and the connection without sockets: how many segments a second they could carry.
 *
 * @module
 */
import { PtcpConnection } from "../../lib/core/ptcp/connection.ts";
import { decodeSegment, encodeSegment } from "../../lib/core/ptcp/segment.ts";
import { seededRandom } from "../../lib/core/random.ts";
import { encodeDataFrame, FrameParser, MAX_FRAME_DATA } from "../../lib/core/realm/frame.ts";
import { Multiplexer } from "../../lib/core/realm/multiplexer.ts";
import { LEAN_PORTS, LeanSession } from "./lean_session.ts";
import { formatTable } from "./table.ts";

const WARM_UP_MS = 100;
const MEASURED_MS = 300;

/** Does its work and returns for how many segments. */
type Work = () => number;

/** Runs everything; some 3 s. */
export function measureMicro(): string {
  const rows = Object.entries(WORKS).map(([name, make]) => {
    const work = make();
    run(work, WARM_UP_MS);
    const perSecond = run(work, MEASURED_MS);
    return [name, (perSecond / 1000).toFixed(0), (1e9 / perSecond).toFixed(0)];
  });
  return formatTable(["no sockets", "thousand segments/s", "ns/segment"], rows);
}

function run(work: Work, forMs: number): number {
  const startedAt = performance.now();
  let segments = 0;
  let elapsedMs = 0;
  while (elapsedMs < forMs) {
    segments += work();
    elapsedMs = performance.now() - startedAt;
  }
  return segments / elapsedMs * 1000;
}

const WORKS: Readonly<Record<string, () => Work>> = {
  "decode a segment of 1316 bytes": () => {
    const bytes = encodeSegment(SEGMENT);
    return repeat(1000, () => decodeSegment(bytes));
  },
  "encode a segment of 1316 bytes": () => repeat(1000, () => encodeSegment(SEGMENT)),
  "parse a DATA frame": () => {
    const parser = new FrameParser();
    const frame = encodeDataFrame(7, new Uint8Array(MAX_FRAME_DATA), 0, MAX_FRAME_DATA);
    return repeat(1000, () => {
      parser.push(frame);
      parser.next();
    });
  },
  "connection to connection": pair,
  "receive: segment to realm, acks": () => multiplexer("source"),
  "send: realm to segment, acks": () => multiplexer("sink"),
};

const SEGMENT = {
  sequence: 1,
  ack: 2,
  control: 0,
  flags: 0,
  window: 65_535,
  timestamp: 3,
  echo: 4,
  payload: new Uint8Array(1292),
};

function repeat(times: number, act: () => void): Work {
  return () => {
    for (let i = 0; i < times; i++) act();
    return times;
  };
}

/** Two connections that hand each other what they send. */
function pair(): Work {
  let now = 0;
  const active = new PtcpConnection({ role: "active" });
  const passive = new PtcpConnection({ role: "passive" });
  const frame = new Uint8Array(1292);
  active.open(now);
  const exchange = (): void => {
    for (let moved = true; moved;) {
      moved = false;
      for (const [from, to] of [[active, passive], [passive, active]] as const) {
        for (let bytes = from.pollTransmit(); bytes; bytes = from.pollTransmit()) {
          moved = true;
          to.handleSegment(bytes, now);
        }
      }
      while (passive.read());
    }
  };
  return () => {
    now++;
    let written = 0;
    while (active.state === "open" && active.write(frame, now)) written++;
    exchange();
    return written;
  };
}

/** A multiplexer before a lean session: everything the tunnel does but its sockets. */
function multiplexer(service: "source" | "sink"): Work {
  let now = 0;
  const connection = new PtcpConnection({ role: "active" });
  const mux = new Multiplexer(connection, { random: seededRandom(1) });
  const device = new LeanSession();
  const exchange = (): number => {
    let segments = 0;
    for (let bytes = mux.pollTransmit(); bytes; bytes = mux.pollTransmit()) {
      segments++;
      device.handleSegment(bytes, now);
    }
    for (let bytes = device.pollTransmit(now); bytes; bytes = device.pollTransmit(now)) {
      segments++;
      mux.handleSegment(bytes, now);
    }
    while (mux.pollEvent());
    return segments;
  };
  connection.open(now);
  while (exchange() > 0);
  const realm = mux.bind(LEAN_PORTS[service], now);
  while (exchange() > 0);
  const count = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
  mux.write(realm, count, now);
  const block = new Uint8Array(65_536);
  const { stats } = connection;
  return () => {
    now++;
    const before = stats.bytesIn + stats.bytesOut;
    if (service === "sink") mux.write(realm, block, now);
    exchange();
    mux.readMany(realm, block.length, now);
    device.handleTimeout(now);
    mux.handleTimeout(now);
    return Math.round((stats.bytesIn + stats.bytesOut - before) / 1292);
  };
}
