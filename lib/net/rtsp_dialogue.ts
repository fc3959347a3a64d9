/**
 * Runs an RTSP client on a connection.
 *
 * @module
 */
import type { Failure } from "../core/failure.ts";
import { RtspClient, type RtspClientEvent, type RtspClientOptions } from "../core/rtsp/client.ts";
import type { ByteStream } from "./byte_stream.ts";
import { Alarm, monotonicNow } from "./clock.ts";

/** What a dialogue reports on the way; its end is the promise. */
export type RtspDialogueEvent = Exclude<RtspClientEvent, { type: "done" | "failed" }>;

/**
 * Runs one dialogue to its end and closes the connection.
 *
 * @param signal Ends it early.
 * @returns Why it failed, or nothing when it reached its goal.
 * @throws The signal's reason.
 */
export async function runRtspDialogue(
  stream: ByteStream,
  options: RtspClientOptions,
  onEvent: (event: RtspDialogueEvent) => void,
  signal?: AbortSignal,
): Promise<Failure | undefined> {
  const client = new RtspClient(options);
  const ended = Promise.withResolvers<Failure | undefined>();
  let writing: Promise<unknown> = Promise.resolve();
  const drain = (): void => {
    for (let bytes = client.pollTransmit(); bytes; bytes = client.pollTransmit()) {
      const chunk = bytes;
      writing = writing.then(() => stream.write(chunk));
    }
    for (let event = client.pollEvent(); event; event = client.pollEvent()) {
      if (event.type === "done") ended.resolve(undefined);
      else if (event.type === "failed") ended.resolve(event.failure);
      else onEvent(event);
    }
    const deadline = client.pollDeadline();
    if (deadline) alarm.set(deadline.at);
    else alarm.clear();
  };
  const alarm: Alarm = new Alarm(() => {
    client.handleTimeout(monotonicNow());
    drain();
  });
  const abort = (): void => ended.reject(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const reading = (async () => {
    for (let chunks = await stream.read(); chunks; chunks = await stream.read()) {
      for (const chunk of chunks) client.receive(chunk, monotonicNow());
      drain();
    }
    client.closed();
    drain();
  })();
  try {
    client.start(monotonicNow());
    drain();
    return await ended.promise;
  } finally {
    signal?.removeEventListener("abort", abort);
    alarm.clear();
    stream.close();
    await Promise.all([reading, writing]);
  }
}
