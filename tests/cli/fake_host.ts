import type { Host } from "../../lib/cli/host.ts";
import { LineOutput } from "../../lib/cli/output.ts";
import type { Needed } from "../../lib/cli/permissions.ts";

/** A process made of memory. */
export interface FakeHost extends Host {
  /** Everything written so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** What was kept at each `keepPermissions`. */
  readonly kept: (readonly Needed[])[];
  /** Whether standard input is in raw mode, once for every change. */
  readonly rawModes: boolean[];
}

/** What a {@linkcode fakeHost} is made of. */
export interface FakeHostOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly os?: Host["os"];
  /** What standard input yields, chunk by chunk. */
  readonly input?: readonly string[];
  readonly inputIsTerminal?: "yes" | "no";
  readonly stderrIsTerminal?: "yes" | "no";
  readonly stdoutIsTerminal?: "yes" | "no";
  readonly files?: Readonly<Record<string, string | Uint8Array | Error>>;
  /** Mode of the files; 0600 unless told otherwise. */
  readonly fileMode?: number | null;
}

/** Builds a host whose streams are kept in memory. */
export function fakeHost(options: FakeHostOptions = {}): FakeHost {
  const written = { out: "", err: "" };
  const sink = (name: "out" | "err"): { writeSync(bytes: Uint8Array): number } => {
    const decoder = new TextDecoder();
    return {
      writeSync(bytes: Uint8Array): number {
        written[name] += decoder.decode(bytes, { stream: true });
        return bytes.length;
      },
    };
  };
  const kept: (readonly Needed[])[] = [];
  const rawModes: boolean[] = [];
  const stdin = chunkReader((options.input ?? []).map((text) => new TextEncoder().encode(text)));
  return {
    os: options.os ?? "linux",
    env: (name) => options.environment?.[name],
    stdin: {
      isTerminal: () => options.inputIsTerminal === "yes",
      setRaw: (mode) => void rawModes.push(mode),
      readSync: stdin,
    },
    stdout: new LineOutput(sink("out"), "throw"),
    stderr: new LineOutput(sink("err"), "discard"),
    stderrIsTerminal: options.stderrIsTerminal === "yes",
    stdoutIsTerminal: options.stdoutIsTerminal === "yes",
    open(path: string): ReturnType<Host["open"]> {
      const content = options.files?.[path];
      if (content === undefined) throw new Deno.errors.NotFound("os error 2");
      if (content instanceof Error) throw content;
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      const { fileMode: mode = 0o600 } = options;
      return { readSync: chunkReader([bytes]), statSync: () => ({ mode }), close: () => {} };
    },
    keepPermissions: (needed) => void kept.push(needed),
    onUncaught: () => {},
    out: () => written.out,
    err: () => written.err,
    kept,
    rawModes,
  };
}

function chunkReader(chunks: readonly Uint8Array[]): (buffer: Uint8Array) => number | null {
  const waiting = [...chunks];
  return (buffer) => {
    const next = waiting.shift();
    if (!next) return null;
    const taken = next.subarray(0, buffer.length);
    if (taken.length < next.length) waiting.unshift(next.subarray(taken.length));
    buffer.set(taken);
    return taken.length;
  };
}
