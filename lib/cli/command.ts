/**
 * What a command is: one row of the command table.
 *
 * @module
 */
import type { ExitCode } from "./exit_codes.ts";
import type { Host } from "./host.ts";
import type { Log } from "./log.ts";
import type { Option } from "./option.ts";
import type { Redactor } from "./redaction.ts";
import type { Settings } from "./settings.ts";

/** What a command is given. */
export interface CommandContext {
  readonly settings: Settings;
  /** The words that are no options, as many as the command takes. */
  readonly operands: readonly string[];
  readonly host: Host;
  readonly log: Log;
  readonly redactor: Redactor;
}

/** The words a command takes beside its options. */
export interface Operands {
  readonly min: number;
  readonly max: number;
  /** What they are, for messages: "one serial". */
  readonly what: string;
  /** Those that are names of commands, too, and mean none here. */
  readonly words?: readonly string[] | undefined;
}

/** A run that ended with an error, its arguments unreadable perhaps. */
export interface FailedRun {
  readonly error: unknown;
  /** What it would end with. */
  readonly code: ExitCode;
  readonly words: readonly string[];
  readonly host: Host;
}

/** One command. */
export interface Command {
  /** Its word, given first; none for the command that needs no word. */
  readonly name?: string | undefined;
  readonly synopsis: readonly string[];
  /** One sentence. */
  readonly summary: string;
  readonly options: readonly Option<unknown>[];
  readonly operands: Operands;
  /** Further sections of its help. */
  readonly notes: readonly { readonly title: string; readonly lines: readonly string[] }[];
  /**
   * Does it.
   *
   * @throws {FailureError} When it fails; the caller prints it and ends with the reason's exit code.
   */
  run(context: CommandContext): Promise<ExitCode>;
  /** Tells of an error, once it is printed, where its own callers look; and says how to end. */
  readonly failed?: ((run: FailedRun) => ExitCode) | undefined;
}
