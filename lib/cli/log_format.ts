/**
 * Log records as lines: text for people, JSON for programs.
 *
 * @module
 */
import type { LogRecord } from "@std/log";
import type { Failure } from "../core/failure.ts";
import type { TraceEvent } from "../core/types.ts";
import { formatDuration } from "./duration.ts";
import { failureLine } from "./failure_text.ts";
import { printable, quoted } from "./printable.ts";
import type { Redactor } from "./redaction.ts";

/** The levels of `--log-level`. */
export type Level = "error" | "warn" | "info" | "debug" | "trace";

/** Named values of a record. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** What a record is about; the properties of its LogTape record. */
export type LogEntry =
  | { readonly kind: "message"; readonly event: string; readonly fields: LogFields }
  | { readonly kind: "phase"; readonly phase: string; readonly ms: number }
  | { readonly kind: "failure"; readonly event: string; readonly failure: Failure }
  | { readonly kind: "trace"; readonly trace: TraceEvent };

/** How text lines look. */
export interface TextStyle {
  /** Every line begins with its time: for files, not for eyes. */
  readonly time: "shown" | "hidden";
  readonly color: "on" | "off";
}

/** Makes the line of a record, without its line end. */
export type LineFormatter = (record: LogRecord) => string;

/** Phases stand in a column: `channel` and `resolve` are the longest. */
const PHASE_WIDTH = 8;

/** The property of a LogTape record that holds our {@linkcode LogEntry}. */
export const ENTRY = "entry";

/** The property of a LogTape record that holds the device's name. */
export const DEVICE = "device";

const LEVEL_OF: Readonly<Record<LogRecord["level"], Level>> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warning: "warn",
  error: "error",
  fatal: "error",
};

const COLOR_OF: Readonly<Record<Level, string>> = {
  error: "\x1b[31m",
  warn: "\x1b[33m",
  info: "",
  debug: "\x1b[2m",
  trace: "\x1b[2m",
};

/** Lines for people. */
export function textFormatter(redactor: Redactor, style: TextStyle): LineFormatter {
  return (record) => {
    const level = LEVEL_OF[record.level];
    const line = printable(redactor.text(textOf(record, level, redactor)));
    const time = style.time === "shown" ? `${new Date(record.timestamp).toISOString()} ` : "";
    const color = style.color === "on" ? COLOR_OF[level] : "";
    return color === "" ? time + line : `${color}${time}${line}\x1b[0m`;
  };
}

function textOf(record: LogRecord, level: Level, redactor: Redactor): string {
  const entry = entryOf(record);
  switch (entry?.kind) {
    case "failure":
      return failureLine(level === "error" ? "error" : "warning", entry.failure, deviceOf(record));
    case "trace":
      return traceText(entry.trace, redactor);
    case "phase": {
      const text = `${entry.phase.padEnd(PHASE_WIDTH)} ${formatDuration(entry.ms)}`;
      return level === "info" ? `  ${text}` : `${level} ${text}`;
    }
    default:
      return (level === "info" ? "" : `${level} `) + messageOf(record, entry);
  }
}

/** `trace 1.234s ptcp retransmit sequence=17 bytes=1292`. */
export function traceText(event: TraceEvent, redactor: Redactor): string {
  const data = Object.entries(event.data).map(([name, value]) => {
    const shown = redactor.traceField(name, value);
    const plain = typeof shown !== "string" || /^[^\s"=]+$/.test(shown);
    return ` ${name}=${plain ? shown : quoted(shown)}`;
  });
  return `trace ${(event.at / 1000).toFixed(3)}s ${event.scope} ${event.name}${data.join("")}`;
}

/** One JSON object per line: `time level msg event device reason` and what else is known. */
export function jsonFormatter(redactor: Redactor): LineFormatter {
  return (record) => {
    const entry = entryOf(record);
    const fixed = {
      time: new Date(record.timestamp).toISOString(),
      level: LEVEL_OF[record.level],
      msg: redactor.text(messageOf(record, entry)),
      ...(entry === undefined ? {} : { event: eventOf(entry) }),
      ...(record.properties[DEVICE] === undefined ? {} : { device: deviceOf(record) }),
    };
    const more: Record<string, string | number | boolean> = {};
    if (entry?.kind === "message") redactInto(more, entry.fields, redactor, "field");
    if (entry?.kind === "phase") redactInto(more, phaseFields(entry), redactor, "field");
    if (entry?.kind === "trace") {
      const { at, scope, name, data } = entry.trace;
      redactInto(more, { ...data, at, scope, name }, redactor, "traceField");
    }
    if (entry?.kind === "failure") {
      redactInto(more, entry.failure.facts ?? {}, redactor, "field");
      more.reason = entry.failure.reason;
      more.advice = redactor.text(entry.failure.advice);
    }
    return JSON.stringify({ ...fixed, ...more, ...fixed });
  };
}

function redactInto(
  target: Record<string, string | number | boolean>,
  fields: LogFields,
  redactor: Redactor,
  rule: "field" | "traceField",
): void {
  for (const [name, value] of Object.entries(fields)) target[name] = redactor[rule](name, value);
}

function phaseFields({ phase, ms }: Extract<LogEntry, { kind: "phase" }>): LogFields {
  return { phase, ms: Math.round(ms) };
}

function messageOf(record: LogRecord, entry: LogEntry | undefined): string {
  if (entry?.kind === "failure") return entry.failure.what;
  if (entry?.kind === "phase") return `${entry.phase} ${formatDuration(entry.ms)}`;
  if (entry?.kind === "trace") return `${entry.trace.scope} ${entry.trace.name}`;
  return record.message.map(String).join("");
}

function eventOf(entry: LogEntry): string {
  return entry.kind === "trace" || entry.kind === "phase" ? entry.kind : entry.event;
}

function entryOf(record: LogRecord): LogEntry | undefined {
  // Only `Log` writes this property, and only with a LogEntry.
  return record.properties[ENTRY] as LogEntry | undefined;
}

function deviceOf(record: LogRecord): string {
  return String(record.properties[DEVICE] ?? "dahua-p2p");
}
