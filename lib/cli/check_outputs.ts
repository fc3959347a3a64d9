/**
 * Everywhere the results of a run go. What cannot be written is said once and costs nothing else.
 *
 * @module
 */
import { type CheckResult, type CheckSummary, summarize } from "../health/check_result.ts";
import { junit } from "../health/junit.ts";
import { resultJson, summaryJson } from "../health/result_json.ts";
import { type LineStyle, resultLine, summaryLine } from "../health/result_line.ts";
import { textfile } from "../health/textfile.ts";
import { HistoryError, type HistoryStore, openHistory } from "../net/history_store.ts";
import { writeWholeFile } from "../net/whole_file.ts";
import type { ExitCode } from "./exit_codes.ts";
import { FailureError } from "../core/failure.ts";
import type { Log } from "./log.ts";
import { type LineOutput, OutputClosedError } from "./output.ts";
import { quoted } from "./printable.ts";
import type { Progress } from "./progress.ts";
import type { Redactor } from "./redaction.ts";
import { VERSION_TEXT } from "./version.ts";

/** The form of standard output. */
export type CheckFormat = "text" | "json" | "nagios";

/** Where results go. */
export interface CheckOutputOptions {
  readonly format: CheckFormat;
  /** With `problems`, devices that are up are not mentioned, nor is a run without others. */
  readonly shows: "everything" | "problems";
  readonly style: LineStyle;
  readonly textfile?: string | undefined;
  readonly junit?: string | undefined;
  readonly history?: string | undefined;
  readonly stdout: LineOutput;
  readonly progress: Progress;
  readonly redactor: Redactor;
  readonly log: Log;
}

/** How a run ended. */
export interface RunEnd {
  readonly exitCode: ExitCode;
  /** Unix ms. */
  readonly endedAt: number;
  readonly durationMs: number;
}

/** The outputs of one run. */
export class CheckOutputs implements Disposable {
  readonly #options: CheckOutputOptions;
  readonly #results: CheckResult[] = [];
  readonly #broken = new Set<string>();
  readonly #history: HistoryStore | undefined;
  #closed: OutputClosedError | undefined;

  private constructor(options: CheckOutputOptions, history: HistoryStore | undefined) {
    this.#options = options;
    this.#history = history;
  }

  /** Opens what must be open while the run goes on. */
  static async open(options: CheckOutputOptions): Promise<CheckOutputs> {
    const path = options.history;
    if (path === undefined) return new CheckOutputs(options, undefined);
    try {
      return new CheckOutputs(options, await openHistory(path, "append"));
    } catch (error) {
      const outputs = new CheckOutputs(options, undefined);
      outputs.#complain(`The history ${quoted(path)}`, error);
      return outputs;
    }
  }

  /** The results so far. */
  get results(): readonly CheckResult[] {
    return this.#results;
  }

  /** Whether something could not be written. */
  get isBroken(): boolean {
    return this.#broken.size > 0;
  }

  /** Set when nobody reads standard output any more. */
  get closed(): OutputClosedError | undefined {
    return this.#closed;
  }

  /** Takes a result: shown and kept before this returns. */
  result(result: CheckResult): void {
    this.#results.push(result);
    this.#keep(result);
    const { format, shows, style } = this.#options;
    if (format === "json") this.#line(resultJson(result));
    if (format === "text" && (shows === "everything" || result.state !== "up")) {
      this.#line(resultLine(result, style));
    }
  }

  /** Ends standard output with the summary. */
  summary(exitCode: ExitCode): CheckSummary {
    const { format, shows } = this.#options;
    const summary = summarize(this.#results);
    if (format === "json") this.#line(summaryJson(summary, exitCode));
    const hasProblems = summary.up < summary.total;
    if (format === "text" && (shows === "everything" || hasProblems)) {
      this.#line(summaryLine(summary));
    }
    return summary;
  }

  /** Writes one more line to standard output. */
  line(text: string): void {
    this.#line(text);
  }

  /** Writes the JUnit report. */
  writeJunit(durationMs: number): void {
    const path = this.#options.junit;
    if (path === undefined) return;
    const text = this.#options.redactor.text(junit(this.#results, durationMs));
    this.#write(`The JUnit report ${quoted(path)}`, path, text);
  }

  /** Writes the metrics: last, as they hold the exit code. */
  writeTextfile(end: RunEnd): void {
    const path = this.#options.textfile;
    if (path === undefined) return;
    const text = textfile(this.#results, { ...end, version: VERSION_TEXT });
    this.#write(`The textfile ${quoted(path)}`, path, this.#options.redactor.text(text));
  }

  [Symbol.dispose](): void {
    this.#history?.[Symbol.dispose]();
  }

  #line(text: string): void {
    const { stdout, progress, redactor } = this.#options;
    if (this.#closed || this.#broken.has("stdout")) return;
    progress.clear();
    try {
      stdout.line(redactor.text(text));
    } catch (error) {
      if (error instanceof OutputClosedError) {
        this.#closed = error;
        return;
      }
      if (!(error instanceof FailureError)) throw error;
      this.#broken.add("stdout");
      this.#options.log.failure(error.failure);
    }
  }

  #keep(result: CheckResult): void {
    const { history: path, redactor } = this.#options;
    // An entry of a list that names no device has no history.
    if (!this.#history || this.#broken.has("history") || result.id === "") return;
    const { id, device, startedAt, state, reason, level, durationMs } = result;
    try {
      this.#history.add({
        id,
        device,
        startedAt: Math.round(startedAt),
        state,
        reason,
        message: redactor.text(result.message),
        level,
        ...(result.path === undefined ? {} : { path: result.path }),
        ...(result.handshakeMs === undefined ? {} : { handshakeMs: result.handshakeMs }),
        ...(result.roundTripMs === undefined ? {} : { roundTripMs: result.roundTripMs }),
        durationMs,
      });
    } catch (error) {
      this.#broken.add("history");
      this.#complain(`The history ${quoted(path ?? "")}`, error);
    }
  }

  #write(what: string, path: string, text: string): void {
    try {
      writeWholeFile(path, text);
    } catch (error) {
      this.#complain(what, error);
    }
  }

  #complain(what: string, error: unknown): void {
    this.#broken.add(what);
    this.#options.progress.clear();
    this.#options.log.failure({
      reason: "config",
      what: `${what} cannot be written: ${whyNot(error)}.`,
      advice: "Everything else was done.",
    });
  }
}

/** Why a file cannot be used, for people. */
export function whyNot(error: unknown): string {
  if (error instanceof HistoryError) return error.message;
  if (error instanceof Deno.errors.NotFound) return "its folder does not exist";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotCapable) return "this program was not permitted to";
  const text = error instanceof Error ? error.message : String(error);
  if (/os error 28\b|disk is full|no space/i.test(text)) return "the disk is full";
  if (/os error 30\b|read-?only/i.test(text)) return "it is on a read-only disk";
  return text.replace(/\s+/g, " ").slice(0, 120);
}
