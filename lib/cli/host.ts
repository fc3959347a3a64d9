/**
 * The process a command runs in, as far as a command may touch it. Tests give it another one.
 *
 * @module
 */
import { LineOutput } from "./output.ts";
import { keepPermissions, type Needed } from "./permissions.ts";
import type { ReadEnvironment } from "./settings.ts";

/** Where secrets are read from: standard input, as `Deno.stdin` offers it. */
export interface SecretSource {
  isTerminal(): boolean;
  setRaw(mode: boolean): void;
  readSync(buffer: Uint8Array): number | null;
}

/** A file opened for reading. */
export interface OpenFile {
  readSync(buffer: Uint8Array): number | null;
  /** Its mode; null where the system has none. */
  statSync(): { readonly mode: number | null };
  close(): void;
}

/** What a command may touch of its process. */
export interface Host {
  readonly os: typeof Deno.build.os;
  readonly env: ReadEnvironment;
  readonly stdin: SecretSource;
  /** Data. Throws when nobody reads it. */
  readonly stdout: LineOutput;
  /** Logs. Silent when nobody reads them. */
  readonly stderr: LineOutput;
  readonly stderrIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  /** Opens a file for reading. */
  open(path: string): OpenFile;
  /** Gives back every permission but these. */
  keepPermissions(needed: readonly Needed[]): void;
  /** Calls `handle` with every error that nothing else catches, instead of what Deno does then. */
  onUncaught(handle: (error: unknown) => void): void;
}

/** The real process. */
export function processHost(): Host {
  return {
    os: Deno.build.os,
    env: readEnvironment,
    stdin: Deno.stdin,
    stdout: new LineOutput(Deno.stdout, "throw"),
    stderr: new LineOutput(Deno.stderr, "discard"),
    stderrIsTerminal: Deno.stderr.isTerminal(),
    stdoutIsTerminal: Deno.stdout.isTerminal(),
    open: (path) => Deno.openSync(path, { read: true }),
    keepPermissions,
    onUncaught: (handle) => {
      globalThis.addEventListener("unhandledrejection", (event) => {
        event.preventDefault();
        handle(event.reason);
      });
      globalThis.addEventListener("error", (event) => {
        event.preventDefault();
        handle(event.error);
      });
    },
  };
}

/** A variable that the process may not read is one that is not set: whoever ran it so meant that. */
function readEnvironment(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
