/**
 * Signals with which whoever runs the process talks to it: SIGHUP to try again now (and to read the
 * configuration again), SIGUSR1 to write its status. Windows has neither.
 *
 * @module
 */

/** What the signals do. */
export interface OperatorActions {
  /** SIGHUP. */
  readonly retry: () => void;
  /** SIGUSR1. */
  readonly status: () => void;
}

/** Listens until disposed. */
export class OperatorSignals implements Disposable {
  readonly #listeners: readonly (readonly [Deno.Signal, () => void])[];

  constructor({ retry, status }: OperatorActions) {
    this.#listeners = Deno.build.os === "windows"
      ? []
      : [["SIGHUP", retry] as const, ["SIGUSR1", status] as const];
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}
