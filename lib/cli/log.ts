/**
 * The log of a command: what happens, on standard error, through LogTape.
 *
 * @module
 */
import { configureSync, getLogger, type Logger, type LogLevel, type LogRecord } from "@std/log";
import type { Failure } from "../core/failure.ts";
import type { TraceEvent } from "../core/types.ts";
import { formatDuration } from "./duration.ts";
import { sentence } from "./failure_text.ts";
import {
  DEVICE,
  ENTRY,
  jsonFormatter,
  type Level,
  type LogEntry,
  type LogFields,
  textFormatter,
} from "./log_format.ts";
import type { LineOutput } from "./output.ts";
import type { Redactor } from "./redaction.ts";

/** How a log is written. */
export interface LogOptions {
  readonly level: Level;
  readonly format: "text" | "json";
  /** Whether people watch: no times, and the phases of a handshake are shown. */
  readonly audience: "terminal" | "file";
  readonly color: "on" | "off";
  readonly redactor: Redactor;
  readonly output: LineOutput;
}

const CATEGORY = "dahua-p2p";

/** Warnings of the same kind within this time are counted instead of printed. */
const BURST_MS = 5000;

const LOGTAPE_LEVEL: Readonly<Record<Level, LogLevel>> = {
  error: "error",
  warn: "warning",
  info: "info",
  debug: "debug",
  trace: "trace",
};

interface Burst {
  readonly startedAt: number;
  suppressed: number;
}

/** Writes records. There is one log in a process: a new one takes the place of the last. */
export class Log {
  readonly #options: LogOptions;
  readonly #logger: Logger;
  readonly #phaseLevel: LogLevel;
  readonly #now: () => number;
  /** By reason or event: a closed set of words. */
  readonly #bursts = new Map<string, Burst>();
  #device: string | undefined;

  /**
   * @param options How it is written.
   * @param now Monotonic ms, for counting bursts.
   */
  constructor(options: LogOptions, now: () => number = () => performance.now()) {
    this.#options = options;
    const style = { time: options.audience === "file" ? "shown" : "hidden", color: options.color };
    const format = options.format === "json"
      ? jsonFormatter(options.redactor)
      : textFormatter(options.redactor, style as Parameters<typeof textFormatter>[1]);
    // LogTape's own stream sink is asynchronous and loses its last lines at exit; its console sink
    // writes to standard output.
    const sink = (record: LogRecord): void => options.output.line(format(record));
    configureSync({
      reset: true,
      sinks: { stderr: sink },
      loggers: [
        { category: CATEGORY, sinks: ["stderr"], lowestLevel: LOGTAPE_LEVEL[options.level] },
        // What the logger says about itself concerns us only when something is wrong with it.
        { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
      ],
    });
    this.#logger = getLogger(CATEGORY);
    this.#phaseLevel = options.audience === "terminal" || options.format === "json"
      ? "info"
      : "debug";
    this.#now = now;
  }

  /** The same log about another device; its bursts are counted apart. */
  forDevice(name: string): Log {
    const log = new Log(this.#options, this.#now);
    log.#device = name;
    return log;
  }

  /** Names the device all later records are about. */
  setDevice(name: string): void {
    this.#device = name;
  }

  /** Something a person wants to know. */
  info(event: string, text: string, fields: LogFields = {}): void {
    this.#emit("info", text, { kind: "message", event, fields });
  }

  /** Something only whoever looks for a fault wants to know. */
  debug(event: string, text: string, fields: LogFields = {}): void {
    this.#emit("debug", text, { kind: "message", event, fields });
  }

  /** A step of the handshake that has been reached; `ms` counts from its start. */
  phase(phase: string, ms: number): void {
    this.#emit(this.#phaseLevel, "", { kind: "phase", phase, ms });
  }

  /**
   * Something is wrong and the work goes on. The first of a burst with one reason is printed, the
   * rest counted, so that a storm of clients does not become a storm of lines.
   */
  warning(failure: Failure): void {
    this.#first(
      failure.reason,
      () => this.#emit("warning", "", { kind: "failure", event: "warning", failure }),
    );
  }

  /** A session was lost or could not be made, and there will be another attempt. */
  loss(failure: Failure, retryInMs: number): void {
    const retry = `Next try in ${formatDuration(Math.ceil(retryInMs / 1000) * 1000)}.`;
    this.warning({
      ...failure,
      advice: `${sentence(failure.advice)} ${retry}`.trim(),
      facts: { ...failure.facts, retryInMs: Math.round(retryInMs) },
    });
  }

  /** Like {@linkcode warning}, for what is no failure of ours. */
  notice(event: string, text: string, fields: LogFields = {}): void {
    this.#first(event, () => this.#emit("warning", text, { kind: "message", event, fields }));
  }

  /** The command ends because of this. */
  failure(failure: Failure): void {
    this.#emit("error", "", { kind: "failure", event: "failed", failure });
  }

  /** A step of the protocol. */
  trace(event: TraceEvent): void {
    this.#emit("trace", "", { kind: "trace", trace: event });
  }

  /** Whether traces are printed at all; without, nobody need make them. */
  get traces(): boolean {
    return this.#logger.isEnabledFor("trace");
  }

  /** Reports what was counted and not yet said. */
  flush(): void {
    for (const [what, burst] of this.#bursts) this.#reportBurst(what, burst);
    this.#bursts.clear();
  }

  #first(what: string, print: () => void): void {
    const burst = this.#bursts.get(what);
    const now = this.#now();
    if (burst && now - burst.startedAt < BURST_MS) {
      burst.suppressed++;
      return;
    }
    if (burst) this.#reportBurst(what, burst);
    this.#bursts.set(what, { startedAt: now, suppressed: 0 });
    print();
  }

  #reportBurst(what: string, burst: Burst): void {
    if (burst.suppressed === 0) return;
    const times = burst.suppressed === 1 ? "once" : `${burst.suppressed} times`;
    this.#emit("warning", `${what}: ${times} more.`, {
      kind: "message",
      event: "repeated",
      fields: { what, count: burst.suppressed },
    });
  }

  #emit(level: LogLevel, text: string, entry: LogEntry): void {
    if (!this.#logger.isEnabledFor(level)) return;
    this.#logger.emit({
      level,
      message: [text],
      rawMessage: text,
      timestamp: Date.now(),
      properties: {
        [ENTRY]: entry,
        ...(this.#device === undefined ? {} : { [DEVICE]: this.#device }),
      },
    });
  }
}
