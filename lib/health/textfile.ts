/**
 * Results for Prometheus, through the textfile collector of node_exporter.
 *
 * Source: Prometheus text exposition format 0.0.4; textfile collector: no timestamps, a final line
 * end. Labels use names, never serials.
 *
 * @module
 */
import type { CheckResult, CheckState } from "./check_result.ts";

/** What is told of a run beside its results. */
export interface TextfileRun {
  /** Unix ms. */
  readonly endedAt: number;
  readonly durationMs: number;
  readonly exitCode: number;
  readonly version: string;
}

const STATES: readonly CheckState[] = ["up", "down", "unknown"];

type Labels = Readonly<Record<string, string>>;

/** The whole file; also for a run that failed before any device was checked. */
export function textfile(results: readonly CheckResult[], run: TextfileRun): string {
  const file = new Exposition();
  const sorted = [...results].sort((a, b) => a.device < b.device ? -1 : 1);
  for (const result of sorted) addResult(file, result);
  for (const state of STATES) {
    file.add(
      "check_devices",
      "Devices of the last run by state.",
      { state },
      results.filter((result) => result.state === state).length,
    );
  }
  const { endedAt, durationMs, exitCode, version } = run;
  file.add(
    "check_last_run_timestamp_seconds",
    "When the last run ended.",
    {},
    Math.round(endedAt) / 1000,
  );
  file.add("check_run_duration_seconds", "How long the last run took.", {}, durationMs / 1000);
  file.add("check_exit_code", "Exit code of the last run.", {}, exitCode);
  file.add("build_info", "Version of the program.", { version }, 1);
  return file.toString();
}

function addResult(file: Exposition, result: CheckResult): void {
  const { device, level, state, reason, path, roundTripMs, media } = result;
  file.add(
    "probe_success",
    "Whether everything the check asked for was seen to work.",
    { device, level },
    state === "up" ? 1 : 0,
  );
  file.add(
    "check_state",
    "State and reason of a device; always 1.",
    { device, state, reason },
    1,
  );
  for (const [phase, ms] of Object.entries(result.phases)) {
    file.add(
      "probe_duration_seconds",
      "From the beginning of the check until a step was passed.",
      { device, phase },
      ms / 1000,
    );
  }
  if (path !== undefined) {
    file.add("check_path", "How the bytes travel; always 1.", { device, path }, 1);
  }
  if (roundTripMs !== undefined) {
    file.add("check_rtt_seconds", "Round trip to the device.", { device }, roundTripMs / 1000);
  }
  if (result.packetsResent !== undefined) {
    file.add(
      "check_packets_resent",
      "Segments sent again during the check.",
      { device },
      result.packetsResent,
    );
  }
  if (media) {
    const { framesPerSecond, bitsPerSecond } = media;
    file.add("check_frames_per_second", "Frame rate of the video.", { device }, framesPerSecond);
    file.add("check_bits_per_second", "Bit rate of the video.", { device }, bitsPerSecond);
  }
}

/** Families in the order of their first sample: samples of one must stand together. */
class Exposition {
  readonly #families = new Map<string, string[]>();

  add(name: string, help: string, labels: Labels, value: number): void {
    const full = `dahua_p2p_${name}`;
    let family = this.#families.get(full);
    if (!family) {
      family = [`# HELP ${full} ${help}`, `# TYPE ${full} gauge`];
      this.#families.set(full, family);
    }
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    const shown = Number.isInteger(value) ? String(value) : String(Number(value.toFixed(6)));
    family.push(`${full}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${shown}`);
  }

  toString(): string {
    return `${[...this.#families.values()].flat().join("\n")}\n`;
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
