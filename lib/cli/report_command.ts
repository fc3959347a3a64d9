/**
 * `dahua-p2p report`: what a history of checks says.
 *
 * @module
 */
import { type FleetReport, reportFleet } from "../health/report.ts";
import { reportPage } from "../health/report_page.ts";
import { reportJson, reportLines } from "../health/report_text.ts";
import { openHistory } from "../net/history_store.ts";
import { writeWholeFile } from "../net/whole_file.ts";
import { CHECK_JSON, HISTORY, HTML, SINCE } from "./check_options.ts";
import { whyNot } from "./check_outputs.ts";
import type { Command, CommandContext } from "./command.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { COMMON_OPTIONS } from "./options.ts";
import { quoted } from "./printable.ts";
import { configError, usageError } from "./usage.ts";

const DEFAULT_SPAN_MS = 30 * 86_400_000;

/** The command `report`. */
export const REPORT_COMMAND: Command = {
  name: "report",
  synopsis: ["dahua-p2p report [OPTIONS] --history FILE"],
  summary: "Shows availability, outages and handshake times from a history of checks.",
  options: [HISTORY, SINCE, HTML, CHECK_JSON, ...COMMON_OPTIONS],
  operands: { min: 0, max: 0, what: "no operand" },
  notes: [],
  run: runReportCommand,
};

async function runReportCommand(context: CommandContext): Promise<ExitCode> {
  const { settings, host } = context;
  const path = settings.get(HISTORY);
  if (path === undefined) throw usageError("No history is named.", "Add --history FILE.");
  const html = settings.get(HTML);
  host.keepPermissions(["read", "write"]);
  const report = await readReport(path, settings.get(SINCE) ?? DEFAULT_SPAN_MS);
  if (html !== undefined) {
    try {
      writeWholeFile(html, reportPage(report));
    } catch (error) {
      throw configError(
        `The page ${quoted(html)} cannot be written: ${whyNot(error)}.`,
        "Name another file with --html.",
      );
    }
  }
  const lines = settings.isOn(CHECK_JSON) ? reportJson(report) : reportLines(report);
  for (const line of lines) host.stdout.line(context.redactor.text(line));
  return EXIT.ok;
}

async function readReport(path: string, spanMs: number): Promise<FleetReport> {
  const until = Date.now();
  const window = { since: until - spanMs, until };
  try {
    using history = await openHistory(path, "read");
    const report = reportFleet(history.devices(window.since), window);
    return { ...report, broken: history.broken };
  } catch (error) {
    throw configError(
      `The history ${quoted(path)} cannot be read: ${whyNot(error)}.`,
      "It is the FILE that was given to check --history.",
    );
  }
}
