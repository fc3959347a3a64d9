import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DecodeError } from "../../../lib/core/errors.ts";
import { MediaMeter } from "../../../lib/core/rtsp/media_meter.ts";
import { decodeRtp, frameHint } from "../../../lib/core/rtsp/rtp.ts";
import { rtp } from "./scripted_camera.ts";

const packet = (sequence: number, timestamp: number, ...payload: number[]): Uint8Array =>
  rtp({ sequence, timestamp, payload }).subarray(4);

Deno.test("an RTP packet is read with its extension, and without its padding", () => {
  const bytes = Uint8Array.of(
    0xb1,
    0xe0,
    1,
    2,
    0,
    0,
    0,
    9,
    1,
    1,
    1,
    1,
    2,
    2,
    2,
    2, // one CSRC
    0xbe,
    0xde,
    0,
    1,
    9,
    9,
    9,
    9, // one word of extension
    0x65,
    7,
    0,
    2, // two bytes of padding
  );
  const { marker, payloadType, sequence, timestamp, payload } = decodeRtp(bytes);
  assertEquals([marker, payloadType, sequence, timestamp], [true, 96, 258, 9]);
  assertEquals(payload, Uint8Array.of(0x65, 7));
  for (let length = 0; length < 24; length++) {
    assertThrows(() => decodeRtp(bytes.subarray(0, length)), DecodeError);
  }
});

Deno.test("key frames are known in every form a packet can have", () => {
  const table: readonly [string, readonly number[], string][] = [
    ["H264", [0x65], "key"],
    ["H264", [0x41], "other"],
    ["H264", [0x67, 1], "other"],
    ["H264", [0x7c, 0x85], "key"],
    ["H264", [0x7c, 0x81], "other"],
    ["H264", [0x78, 0, 2, 0x67, 1, 0, 2, 0x65, 1], "key"],
    ["H264", [0x78, 0, 2, 0x67, 1, 0, 2, 0x41, 1], "other"],
    ["H265", [19 << 1, 1], "key"],
    ["H265", [21 << 1, 1], "key"],
    ["H265", [1 << 1, 1], "other"],
    ["H265", [49 << 1, 1, 0x80 | 20], "key"],
    ["H265", [49 << 1, 1, 0x80 | 1], "other"],
    ["H265", [48 << 1, 1, 0, 2, 33 << 1, 1, 0, 2, 19 << 1, 1], "key"],
    ["JPEG", [0], "key"],
    ["MP4V-ES", [0], "unknown"],
    ["H264", [], "other"],
    ["H264", [0x78, 0xff], "other"],
  ];
  for (const [codec, payload, hint] of table) {
    assertEquals(frameHint(codec, Uint8Array.from(payload)), hint, `${codec} ${payload}`);
  }
});

Deno.test("frames count by timestamp, losses by sequence number, bits by our clock", () => {
  const meter = new MediaMeter("H264", 90_000, 1_000);
  assertEquals(meter.playable, false);
  meter.packet(packet(65_534, 0xffff_f000, 0x41, 1), 1_100);
  meter.packet(packet(65_535, 0xffff_f000, 0x41, 1), 1_110);
  meter.packet(packet(2, 0x0000_0000 + 0xc20 - 0x1000 + 0x1000, 0x65, 1), 1_140);
  meter.packet(Uint8Array.of(1, 2, 3), 1_150);
  assertEquals(meter.playable, true);
  assertEquals(meter.figures, {
    keyFrameMs: 140,
    firstPacketMs: 100,
    frames: 2,
    framesPerSecond: 90_000 / (0x1000 + 0xc20),
    bitsPerSecond: 4 * 8_000 / 40,
    packets: 3,
    packetsMissing: 2,
    packetsBroken: 1,
  });
});

Deno.test("one packet, or none, gives no rates; a jump of the clock neither", () => {
  const meter = new MediaMeter("H264", 90_000, 0);
  assertEquals(meter.figures.framesPerSecond, 0);
  assertEquals(meter.figures.firstPacketMs, undefined);
  meter.packet(packet(1, 5, 0x65), 10);
  assertEquals([meter.figures.framesPerSecond, meter.figures.bitsPerSecond], [0, 0]);
  meter.packet(packet(2, 2_000_000_000, 0x65), 20);
  assertEquals(meter.figures.framesPerSecond, 0);
  const unknown = new MediaMeter("MP4V-ES", 90_000, 0);
  unknown.packet(packet(1, 5, 0), 10);
  assertEquals([unknown.playable, unknown.figures.keyFrameMs], [true, undefined]);
});

Deno.test("any bytes are measured without an exception", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("H264", "H265", "JPEG", "x"),
      fc.array(fc.uint8Array({ maxLength: 40 })),
      (codec, packets) => {
        const meter = new MediaMeter(codec, 90_000, 0);
        packets.forEach((bytes, i) => meter.packet(bytes, i));
        const { packets: good, packetsBroken, framesPerSecond } = meter.figures;
        assertEquals(good + packetsBroken, packets.length);
        assertEquals(Number.isFinite(framesPerSecond), true);
      },
    ),
  );
});
