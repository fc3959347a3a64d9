/**
 * The body of `dahua-p2p decode FILE`: a capture or a hex dump as text, without Wireshark.
 *
 * @module
 */
import type { Captured } from "../core/capture/captured.ts";
import { CaptureReader } from "../core/capture/capture_reader.ts";
import { CaptureDescription } from "../core/capture/description.ts";
import { readHexDump } from "../core/capture/hex_dump.ts";
import { Redactor } from "../core/capture/redactor.ts";
import { DecodeError } from "../core/errors.ts";
import { FailureError } from "../core/failure.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import type { Host, OpenFile } from "./host.ts";
import { quoted } from "./printable.ts";

/** What is to be decoded, and how. */
export interface DecodeRequest {
  /** pcapng, pcap or hex text; `-` is standard input. */
  readonly path: string;
  /** `blank` hides credentials, digests, tokens, serials and logins; `keep` shows what was captured. */
  readonly secrets: "blank" | "keep";
}

const CHUNK_BYTES = 65_536;

/** Longest hex text. A longer one is a capture and should be given as one. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/** The first bytes of the files a {@linkcode CaptureReader} reads. */
const CAPTURE_MAGICS: ReadonlySet<string> = new Set([
  "0a0d0d0a",
  "a1b2c3d4",
  "d4c3b2a1",
  "a1b23c4d",
  "4d3cb2a1",
]);

/**
 * Prints one line for each datagram and event of a file.
 *
 * @throws {FailureError} `usage` when the file cannot be read, `protocol` when it is neither a
 * capture nor hex text, or breaks off; what came before has been printed.
 * @throws {OutputClosedError} When nobody reads standard output any more.
 */
export function runDecode(
  host: Pick<Host, "open" | "stdin" | "stdout" | "stderr">,
  request: DecodeRequest,
): ExitCode {
  const file = open(host, request.path);
  try {
    const printer = new Printer(host, request.secrets);
    const chunk = new Uint8Array(CHUNK_BYTES);
    const first = readFirst(file, chunk);
    const isCapture = CAPTURE_MAGICS.has(
      Array.from(first.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    );
    if (isCapture) printCapture(file, first, chunk, printer, host);
    else printHexDump(file, first, chunk, printer, request.path);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new FailureError({
      reason: "protocol",
      what: `${quoted(request.path)} cannot be decoded any further: ${error.message}.`,
      advice: "Check that the capture was closed properly.",
    });
  } finally {
    file.close();
  }
}

type Readable = Pick<OpenFile, "readSync" | "close">;

function open(host: Pick<Host, "open" | "stdin">, path: string): Readable {
  if (path === "-") return { readSync: (bytes) => host.stdin.readSync(bytes), close: () => {} };
  try {
    return host.open(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new FailureError({
      reason: "usage",
      what: `${quoted(path)} cannot be opened: ${error.message}.`,
      advice: "Give a pcapng or pcap capture, or a file with a hex dump.",
    });
  }
}

/** At least four bytes unless the file is shorter: a pipe may give them one by one. */
function readFirst(file: Readable, chunk: Uint8Array): Uint8Array {
  let length = 0;
  while (length < 4) {
    const count = file.readSync(chunk.subarray(length));
    if (count === null) break;
    length += count;
  }
  return chunk.slice(0, length);
}

/** Blanks entries if asked to, and prints them. */
class Printer {
  readonly #host: Pick<Host, "stdout">;
  readonly #redactor: Redactor | undefined;
  readonly #description = new CaptureDescription();

  constructor(host: Pick<Host, "stdout">, secrets: "blank" | "keep") {
    this.#host = host;
    this.#redactor = secrets === "blank" ? new Redactor() : undefined;
  }

  print(entry: Captured): void {
    if (this.#redactor === undefined) return this.#line(entry);
    this.#redactor.push(entry);
    this.#drain(this.#redactor);
  }

  finish(): void {
    if (this.#redactor === undefined) return;
    this.#redactor.finish();
    this.#drain(this.#redactor);
  }

  #drain(redactor: Redactor): void {
    for (let entry = redactor.next(); entry; entry = redactor.next()) this.#line(entry);
  }

  #line(entry: Captured): void {
    this.#host.stdout.line(this.#description.describe(entry));
  }
}

function printCapture(
  file: Readable,
  first: Uint8Array,
  chunk: Uint8Array,
  printer: Printer,
  host: Pick<Host, "stderr">,
): void {
  const reader = new CaptureReader();
  try {
    reader.push(first);
    for (;;) {
      for (let entry = reader.next(); entry; entry = reader.next()) printer.print(entry);
      const count = file.readSync(chunk);
      if (count === null) break;
      reader.push(chunk.subarray(0, count));
    }
    reader.finish();
  } finally {
    printer.finish();
  }
  if (reader.skippedPackets > 0) {
    host.stderr.line(`${reader.skippedPackets} packets passed over: no whole UDP over IPv4`);
  }
}

function printHexDump(
  file: Readable,
  first: Uint8Array,
  chunk: Uint8Array,
  printer: Printer,
  path: string,
): void {
  const decoder = new TextDecoder();
  let text = decoder.decode(first, { stream: true });
  for (let count = file.readSync(chunk); count !== null; count = file.readSync(chunk)) {
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
    if (text.length > MAX_TEXT_BYTES) throw new DecodeError("hex text above the limit");
  }
  const datagrams = readHexDump(text);
  if (datagrams.length === 0) {
    throw new FailureError({
      reason: "protocol",
      what: `${quoted(path)} is neither a capture nor a hex dump.`,
      advice: "Give a pcapng or pcap capture, or a file with a hex dump.",
    });
  }
  for (const datagram of datagrams) printer.print(datagram);
  printer.finish();
}
