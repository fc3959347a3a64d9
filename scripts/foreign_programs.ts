/**
 * The programs that nobody here wrote and that the end-to-end tests play against: what they are
 * called, which Debian package brings them, and how to see whether they work.
 *
 * @module
 */

/** A foreign program, and a command that succeeds when it is there and usable. */
export interface ForeignProgram {
  readonly name: string;
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
  readonly command: string;
  readonly args: readonly string[];
}

/** Debian's own Python: its bindings to GStreamer belong to it and to no other. */
export const PYTHON = "/usr/bin/python3";

const GSTREAMER_PROBE = `
import sys, gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
needed = ["videotestsrc", "x264enc", "h264parse", "rtph264pay", "audiotestsrc", "alawenc", "rtppcmapay"]
sys.exit(0 if all(Gst.ElementFactory.find(name) for name in needed) else 1)
`;

/** Everything that `deno task e2e` needs. */
export const FOREIGN_PROGRAMS: readonly ForeignProgram[] = [
  { name: "ffmpeg", packages: ["ffmpeg"], command: "ffmpeg", args: ["-version"] },
  { name: "ffprobe", packages: ["ffmpeg"], command: "ffprobe", args: ["-version"] },
  { name: "tshark", packages: ["tshark"], command: "tshark", args: ["--version"] },
  {
    name: "GStreamer's RTSP server",
    packages: [
      "python3-gi",
      "gir1.2-gst-rtsp-server-1.0",
      "gstreamer1.0-plugins-base",
      "gstreamer1.0-plugins-good",
      "gstreamer1.0-plugins-bad",
      "gstreamer1.0-plugins-ugly",
    ],
    command: PYTHON,
    args: ["-c", GSTREAMER_PROBE],
  },
];

/** Whether the program starts and its probe succeeds. */
export async function isUsable(program: ForeignProgram): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program.command, {
      args: [...program.args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Sentences that name what is missing and how to get it; empty when everything is there. */
export async function missingPrograms(
  programs: readonly ForeignProgram[] = FOREIGN_PROGRAMS,
): Promise<readonly string[]> {
  const sentences: string[] = [];
  for (const program of programs) {
    if (await isUsable(program)) continue;
    sentences.push(`${program.name} is missing: apt-get install ${program.packages.join(" ")}`);
  }
  return sentences;
}
