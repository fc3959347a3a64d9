/**
 * Turns a capture into a fixture: JSON lines without secrets, serials and public addresses, in the
 * form of the recorded log of 2024 with rows for signaling, STUN and events between.
 *
 * ```sh
 * deno run --allow-read scripts/capture_to_fixture.ts capture.pcapng "what it shows" > fixture.jsonl
 * ```
 *
 * @module
 */
import { CaptureReader } from "../lib/core/capture/capture_reader.ts";
import { FixtureWriter } from "../lib/core/capture/fixture.ts";
import { Redactor } from "../lib/core/capture/redactor.ts";
import { DecodeError } from "../lib/core/errors.ts";

const CHUNK_BYTES = 65_536;

/**
 * Reads a capture and gives the lines of its fixture.
 *
 * @param file The capture: pcapng or pcap.
 * @param provenance Goes into the first line: where and when it was taken, and what it shows.
 * @throws {DecodeError} When it is no capture or broken; the rows before the fault have been given.
 */
export function* fixtureLines(
  file: Pick<Deno.FsFile, "readSync">,
  provenance?: string,
): Generator<string> {
  const reader = new CaptureReader();
  const redactor = new Redactor();
  const writer = new FixtureWriter();
  if (provenance !== undefined) yield JSON.stringify({ provenance });
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let size = file.readSync(chunk); size !== null; size = file.readSync(chunk)) {
    reader.push(chunk.subarray(0, size));
    for (let entry = reader.next(); entry; entry = reader.next()) redactor.push(entry);
    for (let entry = redactor.next(); entry; entry = redactor.next()) {
      yield JSON.stringify(writer.row(entry));
    }
  }
  redactor.finish();
  for (let entry = redactor.next(); entry; entry = redactor.next()) {
    yield JSON.stringify(writer.row(entry));
  }
  reader.finish();
}

function write(file: { writeSync(bytes: Uint8Array): number }, line: string): void {
  const bytes = new TextEncoder().encode(line + "\n");
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

if (import.meta.main) {
  const [path, provenance] = Deno.args;
  if (path === undefined || Deno.args.length > 2) {
    write(Deno.stderr, "usage: capture_to_fixture.ts CAPTURE [PROVENANCE] > FIXTURE.jsonl");
    Deno.exit(64);
  }
  try {
    using file = Deno.openSync(path, { read: true });
    for (const line of fixtureLines(file, provenance)) write(Deno.stdout, line);
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof Deno.errors.NotFound)) throw error;
    write(Deno.stderr, `${path}: ${error.message}`);
    Deno.exit(65);
  }
}
