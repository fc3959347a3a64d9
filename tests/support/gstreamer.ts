/**
 * An RTSP server that nobody here wrote.
 *
 * @module
 */
import { PYTHON } from "../../scripts/foreign_programs.ts";
import { LOGIN } from "./stage.ts";

/** Starts GStreamer's RTSP server; it ends with its stdin. */
export async function startGStreamer(): Promise<{ readonly port: number } & AsyncDisposable> {
  const child = new Deno.Command(PYTHON, {
    args: [
      new URL("../e2e/gstreamer_server.py", import.meta.url).pathname,
      LOGIN.username,
      LOGIN.password,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("GStreamer's RTSP server did not start");
    text += new TextDecoder().decode(value);
  }
  return {
    port: Number(text),
    async [Symbol.asyncDispose](): Promise<void> {
      await child.stdin.close();
      await child.status;
      await reader.cancel();
    },
  };
}
