/**
 * ffmpeg as a player.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

/** The one line of ffmpeg that is no error: it tries UDP first. */
const UDP_REFUSED = /method SETUP failed: 461 Unsupported Transport/;

/** What came of a run of ffmpeg. */
export interface Played {
  readonly code: number;
  /** Everything printed at level error, but for the refused SETUP. */
  readonly errors: readonly string[];
  /** Decoded. */
  readonly frames: number;
  /** How often it was told that UDP cannot be. */
  readonly udpRefused: number;
}

/** Decodes a number of frames of a stream and throws them away. */
export async function play(
  url: string,
  frames: number,
  options: readonly string[] = [],
): Promise<Played> {
  const { code, stdout, stderr } = await new Deno.Command("ffmpeg", {
    args: [
      ...["-nostdin", "-hide_banner", "-v", "error", "-progress", "pipe:1", ...options],
      ...["-i", url, "-frames:v", String(frames), "-f", "null", "-"],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const lines = new TextDecoder().decode(stderr).split("\n").filter((line) => line !== "");
  const counts = [...new TextDecoder().decode(stdout).matchAll(/^frame=(\d+)$/gm)];
  return {
    code,
    errors: lines.filter((line) => !UDP_REFUSED.test(line)),
    frames: Number(counts.at(-1)?.[1] ?? 0),
    udpRefused: lines.filter((line) => UDP_REFUSED.test(line)).length,
  };
}

/** All frames, no error, exit code 0. */
export function assertPlayed(played: Played, frames: number): void {
  assertEquals(played.errors, []);
  assertEquals(played.code, 0);
  assert(played.frames >= frames, `${played.frames} frames of ${frames}`);
}
