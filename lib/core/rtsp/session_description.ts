/**
 * What a DESCRIBE answers: the streams of a channel, as far as a health check cares.
 *
 * Source: RFC 4566 (SDP), RFC 6184 and RFC 7798 (parameter sets), RFC 2326 appendix C (control).
 *
 * @module
 */
import { decodeBase64 } from "../base64.ts";
import { DecodeError } from "../errors.ts";
import { h264PictureSize, h265PictureSize, type PictureSize } from "./picture_size.ts";

/** One `m=` section. */
export interface MediaDescription {
  /** What it carries. */
  readonly kind: "video" | "audio" | "other";
  /** Encoding name, e.g. `H264`, `H265`, `PCMA`; the payload type when it is not told. */
  readonly codec: string;
  /** Ticks a second of its RTP timestamps. */
  readonly clockRate: number;
  /** `a=control`; absent when there is none. */
  readonly control?: string | undefined;
  /** `a=framerate`, as the device claims. */
  readonly framesPerSecond?: number | undefined;
  /** Of the picture, when the parameter sets tell it. */
  readonly size?: PictureSize | undefined;
}

/** Longest description that is looked at, in lines; real ones have about 25. */
const MAX_LINES = 1_000;

/** Sections at most. */
const MAX_MEDIA = 16;

/** RFC 3551: static payload types cameras use. */
const STATIC_TYPES: Readonly<Record<string, readonly [codec: string, clockRate: number]>> = {
  "0": ["PCMU", 8_000],
  "8": ["PCMA", 8_000],
  "14": ["MPA", 90_000],
  "26": ["JPEG", 90_000],
  "33": ["MP2T", 90_000],
};

/**
 * Reads the media sections of a session description; what is not understood is left out.
 *
 * @throws {DecodeError} When it is no session description.
 */
export function parseSessionDescription(text: string): readonly MediaDescription[] {
  const lines = text.split(/\r?\n/, MAX_LINES);
  if (!/^v=0\s*$/.test(lines[0] ?? "")) throw new DecodeError("no session description");
  const media: MediaDescription[] = [];
  let section: string[] | undefined;
  for (const line of lines.slice(1)) {
    if (line.startsWith("m=")) {
      if (section && media.length < MAX_MEDIA) media.push(describe(section));
      section = [];
    }
    section?.push(line);
  }
  if (section && media.length < MAX_MEDIA) media.push(describe(section));
  return media;
}

function describe(section: readonly string[]): MediaDescription {
  const [, kind = "", type = ""] = /^m=(\w+) +\S+ +\S+ +(\d{1,3})/.exec(section[0]!) ?? [];
  const map = new RegExp(`^a=rtpmap:${type} +([^/\\s]{1,32})/(\\d{1,9})`);
  const rtpmap = section.map((line) => map.exec(line)).find((match) => match !== null);
  const [codec, clockRate] = rtpmap
    ? [rtpmap[1]!.toUpperCase(), Number(rtpmap[2])]
    : STATIC_TYPES[type] ?? [type === "" ? "unknown" : `type ${type}`, 90_000];
  const control = attribute(section, "control");
  const rate = Number(attribute(section, "framerate") ?? "NaN");
  const size = sizeOf(section, codec);
  return {
    kind: kind === "video" || kind === "audio" ? kind : "other",
    codec: codec === "HEVC" ? "H265" : codec,
    clockRate: clockRate > 0 ? clockRate : 90_000,
    ...(control ? { control } : {}),
    ...(rate > 0 && rate < 1_000 ? { framesPerSecond: rate } : {}),
    ...(size ? { size } : {}),
  };
}

function sizeOf(section: readonly string[], codec: string): PictureSize | undefined {
  const stated = /^(\d{2,5})[, x-](\d{2,5})$/.exec(
    attribute(section, "x-dimensions") ?? attribute(section, "framesize")?.replace(/^\d+ /, "") ??
      "",
  );
  const format = attribute(section, "fmtp") ?? "";
  try {
    if (codec === "H264") {
      const sets = /sprop-parameter-sets=([^;\s]+)/i.exec(format)?.[1]?.split(",") ?? [];
      const sps = sets.map(decodeBase64).find((set) => (set[0]! & 0x1f) === 7);
      if (sps) return h264PictureSize(sps);
    } else if (codec === "H265" || codec === "HEVC") {
      const set = /sprop-sps=([^;,\s]+)/i.exec(format)?.[1];
      if (set) return h265PictureSize(decodeBase64(set));
    }
  } catch (error) {
    // A parameter set nobody can read: the stream may play all the same.
    if (!(error instanceof DecodeError)) throw error;
  }
  return stated ? { width: Number(stated[1]), height: Number(stated[2]) } : undefined;
}

function attribute(section: readonly string[], name: string): string | undefined {
  const prefix = `a=${name}:`;
  return section.find((line) => line.startsWith(prefix))?.slice(prefix.length).trim();
}

/**
 * The URL of a stream, from its `control` attribute.
 *
 * @param base `Content-Base`, else the URL that was described.
 */
export function controlUrl(base: string, control: string | undefined): string {
  if (control === undefined || control === "*") return base;
  if (/^rtsps?:\/\//i.test(control)) return control;
  return base.endsWith("/") ? base + control : `${base}/${control}`;
}
