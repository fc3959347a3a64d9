/**
 * Readers of streams as targets. However a stream is cut, the same must come out of it: each
 * sequence of inputs is read as it is cut, and once more as a whole.
 *
 * @module
 */
import { concatBytes, toHex, utf8 } from "../../lib/core/bytes.ts";
import { CaptureDescription } from "../../lib/core/capture/description.ts";
import { CaptureReader } from "../../lib/core/capture/capture_reader.ts";
import { CaptureWriter } from "../../lib/core/capture/capture_writer.ts";
import { Redactor } from "../../lib/core/capture/redactor.ts";
import { DecodeError } from "../../lib/core/errors.ts";
import { FrameParser } from "../../lib/core/realm/frame.ts";
import { encodeFrame } from "../../lib/core/realm/frame_codec.ts";
import { BindAnswer } from "../../lib/core/relay/relay_bind.ts";
import { UdpSetupFilter } from "../../lib/core/rtsp/filter.ts";
import { RtspReader } from "../../lib/core/rtsp/reader.ts";
import { ANSWERS, CLOUD_WORDS, FRAMES, RTSP, RTSP_WORDS } from "./decoders.ts";
import { must, type Target } from "./target.ts";

/** Reads a stream and says what was in it, the last word being an error if there was one. */
type Read = (chunks: readonly Uint8Array[]) => readonly string[];

function attempt(said: string[], read: () => void): readonly string[] {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    said.push(`! ${error.what}`);
  }
  return said;
}

function stream(
  name: string,
  corpus: Target["corpus"],
  read: Read,
  words?: readonly string[],
): Target {
  return {
    name,
    corpus,
    words,
    maxInputs: 12,
    run: (inputs) => {
      const cut = read(inputs);
      const whole = read([concatBytes(inputs)]);
      must(cut.join("\n") === whole.join("\n"), `${cut.join("; ")} is not ${whole.join("; ")}`);
      return cut.slice(0, 6).map((word) => word.slice(0, 24)).join("; ");
    },
  };
}

const FRAME_BYTES = FRAMES.map(encodeFrame);
const RTSP_BYTES = RTSP.map(utf8);

function readFrames(chunks: readonly Uint8Array[]): readonly string[] {
  const parser = new FrameParser();
  const said: string[] = [];
  let data = "";
  return attempt(said, () => {
    for (const chunk of chunks) {
      parser.push(chunk);
      for (let frame = parser.next(); frame; frame = parser.next()) {
        // DATA comes in parts as they arrive: what is said must not tell how it was cut.
        if (frame.type !== "data") said.push(`${data}${frame.type}`);
        data = frame.type === "data" ? data + toHex(frame.data.subarray(0, 1_300)) : "";
      }
    }
  });
}

function readRtsp(chunks: readonly Uint8Array[]): readonly string[] {
  const reader = new RtspReader();
  const said: string[] = [];
  return attempt(said, () => {
    for (const chunk of chunks) {
      reader.push(chunk);
      for (let item = reader.next(); item; item = reader.next()) said.push(item.type);
    }
  });
}

function readBind(chunks: readonly Uint8Array[]): readonly string[] {
  const answer = new BindAnswer();
  const said: string[] = [];
  return attempt(said, () => {
    for (const chunk of chunks) {
      const outcome = answer.push(chunk);
      if (outcome.type === "waiting") continue;
      // What follows the answer belongs to the frames.
      said.push(outcome.type);
      return;
    }
  });
}

function readCapture(chunks: readonly Uint8Array[]): readonly string[] {
  const reader = new CaptureReader();
  const said: string[] = [];
  return attempt(said, () => {
    for (const chunk of chunks) {
      reader.push(chunk);
      for (let item = reader.next(); item; item = reader.next()) said.push(item.type);
    }
  });
}

function sampleCapture(): Uint8Array {
  const writer = new CaptureWriter({ application: "fuzz" });
  const ends = { local: { ip: "192.0.2.1", port: 1 }, remote: { ip: "192.0.2.2", port: 2 } };
  const parts = [FRAME_BYTES[0]!, ANSWERS[0]!].map((data) =>
    writer.datagram({ unixTimeMs: 5, socket: "main", direction: "in", ...ends, data })
  );
  parts.push(writer.event("path=direct", 6), writer.finish());
  return concatBytes(parts);
}

/** The filter between a client and a device; the first byte of an input says who sends it. */
function runFilter(inputs: readonly Uint8Array[]): string {
  const filter = new UdpSetupFilter();
  let taken = 0;
  let given = 0;
  const said = new Set<string>();
  for (const input of inputs) {
    const chunk = input.subarray(1);
    taken += chunk.length;
    const isClient = (input[0] ?? 0) % 2 === 0;
    const { toDevice, toClient } = isClient ? filter.fromClient(chunk) : filter.fromDevice(chunk);
    for (const part of [...toDevice, ...toClient]) given += part.length;
    if (toDevice.length > 0) said.add("device");
    if (toClient.length > 0) said.add(isClient ? "refused" : "client");
  }
  for (const { toDevice, toClient } of [filter.finishClient(), filter.finishDevice()]) {
    for (const part of [...toDevice, ...toClient]) given += part.length;
  }
  // A refusal is an answer to a SETUP, and shorter than four of it.
  must(given <= 5 * taken + 200, `${given} bytes out of ${taken}`);
  return [...said].join(" ");
}

/** Redaction and description of captures: whatever a datagram holds. */
function runCaptureText(inputs: readonly Uint8Array[]): string {
  const redactor = new Redactor();
  const description = new CaptureDescription();
  const a = { ip: "192.0.2.1", port: 1 };
  const b = { ip: "198.51.100.2", port: 2 };
  let lines = 0;
  const said = new Set<string>();
  const take = (): void => {
    for (let item = redactor.next(); item; item = redactor.next()) {
      lines++;
      said.add(description.describe(item).split(" ").slice(2, 7).join(" ").slice(0, 40));
    }
  };
  for (const [i, data] of inputs.entries()) {
    const isOut = (data[data.length - 1] ?? 0) % 2 === 0;
    redactor.push({
      type: "datagram",
      unixTimeMs: i,
      direction: isOut ? "out" : "in",
      from: isOut ? a : b,
      to: isOut ? b : a,
      data,
    });
    take();
  }
  redactor.finish();
  take();
  must(lines === inputs.length, `${lines} lines for ${inputs.length} datagrams`);
  return [...said].join(";").slice(0, 120);
}

function withSide(side: number, bytes: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(side), bytes]);
}

/** All streams. */
export function streams(segments: readonly Uint8Array[]): readonly Target[] {
  return [
    stream("frames", [FRAME_BYTES, [concatBytes(FRAME_BYTES)]], readFrames),
    stream("rtsp", [RTSP_BYTES, [concatBytes(RTSP_BYTES)]], readRtsp, RTSP_WORDS),
    stream(
      "relay-bind",
      [...ANSWERS, FRAME_BYTES[0]!].map((bytes) => [bytes]),
      readBind,
      CLOUD_WORDS,
    ),
    stream("capture", [[sampleCapture()]], readCapture),
    {
      name: "setup-filter",
      corpus: [
        RTSP_BYTES.map((bytes, i) => withSide(i < 3 ? 0 : 1, bytes)),
        [withSide(0, RTSP_BYTES[2]!), withSide(1, RTSP_BYTES[3]!)],
      ],
      words: RTSP_WORDS,
      maxInputs: 12,
      run: runFilter,
    },
    {
      name: "capture-text",
      corpus: [segments, ANSWERS, FRAME_BYTES],
      words: [...CLOUD_WORDS, ...RTSP_WORDS],
      maxInputs: 12,
      run: runCaptureText,
    },
  ];
}
