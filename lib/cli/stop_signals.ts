/**
 * Signals that ask the process to stop.
 *
 * @module
 */
import { EXIT, type ExitCode } from "./exit_codes.ts";

/** A request to stop. */
export interface StopRequest {
  readonly signal: "SIGINT" | "SIGTERM" | "SIGBREAK";
  /** The exit code when the request is not answered by a clean close. */
  readonly exitCode: ExitCode;
}

const EXIT_CODE_OF = {
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  SIGBREAK: EXIT.terminated,
} as const;

/**
 * Listens for stop signals until disposed. The first resolves {@linkcode first}; the second ends the
 * process at once.
 */
export class StopSignals implements Disposable {
  /** The first request. Never rejects; pending for ever when none comes. */
  readonly first: Promise<StopRequest>;
  readonly #listeners: readonly (readonly [Deno.Signal, () => void])[];

  /** @param exit Ends the process; for tests. */
  constructor(exit: (code: number) => void = Deno.exit) {
    // Windows knows no SIGTERM, other systems no SIGBREAK.
    const other = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
    const { promise, resolve } = Promise.withResolvers<StopRequest>();
    let requested = false;
    this.first = promise;
    this.#listeners = (["SIGINT", other] as const).map((signal) => {
      const listener = (): void => {
        const exitCode = EXIT_CODE_OF[signal];
        if (requested) exit(exitCode);
        requested = true;
        resolve({ signal, exitCode });
      };
      Deno.addSignalListener(signal, listener);
      return [signal, listener] as const;
    });
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}
