import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeBase64 } from "../../../lib/core/base64.ts";
import { fromHex } from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import { BitReader, unescapeNal } from "../../../lib/core/rtsp/bit_reader.ts";
import { h264PictureSize, h265PictureSize } from "../../../lib/core/rtsp/picture_size.ts";
import { controlUrl, parseSessionDescription } from "../../../lib/core/rtsp/session_description.ts";
import { DESCRIPTION } from "./scripted_camera.ts";

Deno.test("the sections of a description are read, with codec, size and control", () => {
  assertEquals(parseSessionDescription(DESCRIPTION), [
    {
      kind: "video",
      codec: "H264",
      clockRate: 90_000,
      control: "trackID=0",
      framesPerSecond: 25,
      size: { width: 1920, height: 1080 },
    },
    { kind: "audio", codec: "PCMA", clockRate: 8_000, control: "trackID=1" },
  ]);
});

Deno.test("what a description leaves out or says wrongly costs only that", () => {
  const read = (...lines: string[]): unknown[] =>
    parseSessionDescription(["v=0", ...lines].join("\n")).map(({ kind, codec, size }) =>
      size ? [kind, codec, size.width, size.height] : [kind, codec]
    );
  assertEquals(read(), []);
  assertEquals(read("m=video 0 RTP/AVP 26"), [["video", "JPEG"]]);
  assertEquals(read("m=video 0 RTP/AVP 99"), [["video", "type 99"]]);
  assertEquals(read("m=application 0 RTP/AVP 107", "a=rtpmap:107 vnd.onvif.metadata/90000"), [
    ["other", "VND.ONVIF.METADATA"],
  ]);
  assertEquals(read("m=video 0 RTP/AVP 98", "a=rtpmap:98 HEVC/90000", "a=x-dimensions:704,576"), [
    ["video", "H265", 704, 576],
  ]);
  const broken = "a=fmtp:96 sprop-parameter-sets=Z2Q=";
  assertEquals(read("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", broken), [["video", "H264"]]);
  assertThrows(() => parseSessionDescription("<html>"), DecodeError);
});

Deno.test("control attributes are resolved against the base", () => {
  const base = "rtsp://h/cam?channel=1";
  assertEquals(controlUrl(base, undefined), base);
  assertEquals(controlUrl(base, "*"), base);
  assertEquals(controlUrl(base, "trackID=0"), `${base}/trackID=0`);
  assertEquals(controlUrl(`${base}/`, "trackID=0"), `${base}/trackID=0`);
  assertEquals(controlUrl(base, "rtsp://other/x"), "rtsp://other/x");
});

Deno.test("picture sizes are those of ffmpeg's encoders, cropping taken away", () => {
  // Parameter sets written by libx264 and libx265 for the sizes named.
  const sets: readonly [typeof h264PictureSize, string, number, number][] = [
    [h264PictureSize, "67640028acd940780227e5c044000003000400000300c83c60c658", 1920, 1080],
    [h264PictureSize, "6742c01e8c8d40501e9a8080808b", 640, 480],
    [
      h265PictureSize,
      "420101016000000300900000030000030078a003c08010e596566924caf016808000000300800000190420",
      1920,
      1080,
    ],
  ];
  for (const [read, hex, width, height] of sets) {
    assertEquals(read(fromHex(hex)), { width, height }, hex);
  }
  assertEquals(h264PictureSize(decodeBase64("Z2QAKqwsaoHgCJ+WbgICAgQ=")), {
    width: 1920,
    height: 1080,
  });
});

Deno.test("any bytes give a size or a DecodeError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
      for (const [read, type] of [[h264PictureSize, 0x67], [h265PictureSize, 0x42]] as const) {
        const nal = Uint8Array.of(type, 1, ...bytes);
        try {
          const { width, height } = read(nal);
          assertEquals(width > 0 && height > 0 && width <= 16_384, true);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }
    }),
  );
});

Deno.test("emulation prevention bytes are left out and Exp-Golomb codes read", () => {
  assertEquals(unescapeNal(Uint8Array.of(0, 0, 3, 1, 0, 0, 3)), Uint8Array.of(0, 0, 1, 0, 0));
  assertEquals(unescapeNal(Uint8Array.of(0, 3, 0, 0, 4)), Uint8Array.of(0, 3, 0, 0, 4));
  // 1 | 010 | 011 | 00100 | 00101: codes 0 to 4.
  const reader = new BitReader(Uint8Array.of(0b10100110, 0b01000010, 0b10000000));
  assertEquals([reader.unsigned(), reader.unsigned(), reader.unsigned()], [0, 1, 2]);
  assertEquals([reader.signed(), reader.signed()], [2, -2]);
  assertThrows(() => new BitReader(new Uint8Array(8)).unsigned(), DecodeError);
  assertThrows(() => new BitReader(new Uint8Array(1)).bits(9), DecodeError);
});
