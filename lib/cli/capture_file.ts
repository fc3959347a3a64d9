/**
 * `--capture FILE.pcapng`: what the sockets carry, written down as it passes.
 *
 * @module
 */
import { CaptureWriter } from "../core/capture/capture_writer.ts";
import { FailureError } from "../core/failure.ts";
import type { Tap } from "../net/tapped_socket.ts";
import type { TunnelEvent } from "../net/tunnel.ts";
import type { Log } from "./log.ts";
import { quoted } from "./printable.ts";

/** A capture being written; a full disk ends the capture, never the tunnel. */
export class CaptureFile implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #writer: CaptureWriter;
  readonly #log: Log;
  #failed = false;

  private constructor(file: Deno.FsFile, secrets: "blank" | "keep", log: Log) {
    this.#file = file;
    this.#writer = new CaptureWriter({ secrets });
    this.#log = log;
  }

  /**
   * Creates the file, readable for its owner only.
   *
   * @throws {FailureError} `config` when it cannot be created.
   */
  static create(path: string, secrets: "blank" | "keep", log: Log): CaptureFile {
    try {
      const file = Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o600 });
      return new CaptureFile(file, secrets, log);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new FailureError({
        reason: "config",
        what: `The capture ${quoted(path)} cannot be written: ${error.message}.`,
        advice: "Choose a file in a folder that exists and can be written to.",
      });
    }
  }

  /** Takes what the sockets carry. */
  readonly tap: Tap = (datagram) => {
    this.#write(this.#writer.datagram({ ...datagram, unixTimeMs: unixTimeMs() }));
  };

  /** Notes an event between the datagrams. */
  event(event: TunnelEvent): void {
    const text = describe(event);
    if (text) this.#write(this.#writer.event(text, unixTimeMs()));
  }

  [Symbol.dispose](): void {
    this.#write(this.#writer.finish());
    this.#file.close();
  }

  #write(bytes: Uint8Array): void {
    if (this.#failed) return;
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(this.#file.writeSync(rest));
    } catch (error) {
      this.#failed = true;
      this.#log.warning({
        reason: "config",
        what: `The capture broke off: ${error instanceof Error ? error.message : "write error"}.`,
        advice: "What was written before is kept; the tunnel goes on.",
      });
    }
  }
}

/** Unix time with the fraction that orders datagrams of one millisecond. */
function unixTimeMs(): number {
  return performance.timeOrigin + performance.now();
}

function describe(event: TunnelEvent): string | undefined {
  switch (event.type) {
    case "phase":
      return `phase ${event.phase} after ${Math.round(event.ms)} ms`;
    case "warning":
      return `warning ${event.failure.reason}: ${event.failure.what}`;
    case "client-opened":
      return `client ${event.client} opened port ${event.remotePort}`;
    case "client-closed":
      return `client ${event.client} left port ${event.remotePort}: ${event.why}`;
    default:
      return undefined;
  }
}
