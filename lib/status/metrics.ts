/**
 * Metrics in the text format of Prometheus, version 0.0.4. Labels carry names of the configuration,
 * never serials.
 *
 * @module
 */
import type { Reason } from "../core/failure.ts";
import type { DeviceStatus } from "./device_status.ts";
import type { ProcessFacts } from "./fleet_status.ts";

/** Reasons that count as a refused login. */
const LOGIN_REASONS: readonly Reason[] = [
  "auth-rejected",
  "auth-required",
  "auth-salt",
  "lockout",
  "app-rejected",
];

type Labels = Readonly<Record<string, string>>;

/** The name and one line of explanation of a metric. */
interface Metric {
  readonly name: string;
  readonly kind: "gauge" | "counter";
  readonly help: string;
  /** Its values; none is no sample. */
  readonly samples: (device: DeviceStatus) => readonly (readonly [Labels, number | undefined])[];
}

const one = (
  value: (device: DeviceStatus) => number | undefined,
): Metric["samples"] =>
(device) => [[{}, value(device)]];

const byReason = (
  counts: (device: DeviceStatus) => Readonly<Partial<Record<Reason, number>>>,
): Metric["samples"] =>
(device) => Object.entries(counts(device)).map(([reason, count]) => [{ reason }, count]);

const METRICS: readonly Metric[] = [
  {
    name: "up",
    kind: "gauge",
    help: "1 while the device's session carries data.",
    samples: one(({ state }) => state === "up" ? 1 : 0),
  },
  {
    name: "path",
    kind: "gauge",
    help: "1 for the path in use.",
    samples: ({ path }) => path === undefined ? [] : [[{ path }, 1]],
  },
  {
    name: "sessions_total",
    kind: "counter",
    help: "Sessions that were ready.",
    samples: one(({ sessions }) => sessions),
  },
  {
    name: "reconnects_total",
    kind: "counter",
    help: "Sessions lost, by reason.",
    samples: byReason(({ lostBy }) => lostBy),
  },
  {
    name: "attempt_failures_total",
    kind: "counter",
    help: "Attempts that gave no session, by reason.",
    samples: byReason(({ failedBy }) => failedBy),
  },
  {
    name: "auth_failures_total",
    kind: "counter",
    help: "Attempts that failed because a login was refused.",
    samples: one(({ failedBy }) =>
      LOGIN_REASONS.reduce((sum, reason) => sum + (failedBy[reason] ?? 0), 0)
    ),
  },
  {
    name: "clients",
    kind: "gauge",
    help: "Local clients.",
    samples: one(({ clients }) => clients),
  },
  {
    name: "bytes_total",
    kind: "counter",
    help: "Bytes of the session, from and to the device.",
    samples: ({ bytesIn, bytesOut }) => [
      [{ direction: "in" }, bytesIn],
      [{ direction: "out" }, bytesOut],
    ],
  },
  {
    name: "retransmits_total",
    kind: "counter",
    help: "Segments sent again.",
    samples: one(({ retransmits }) => retransmits),
  },
  {
    name: "rtt_seconds",
    kind: "gauge",
    help: "Smoothed round trip to the device.",
    samples: one(({ rttMs }) => rttMs === undefined ? undefined : rttMs / 1000),
  },
  {
    name: "handshake_seconds",
    kind: "gauge",
    help: "How long the present session took to be made.",
    samples: one(({ handshakeMs }) => handshakeMs === undefined ? undefined : handshakeMs / 1000),
  },
  {
    name: "last_ready_timestamp_seconds",
    kind: "gauge",
    help: "When a session was last ready.",
    samples: one(({ lastReady }) =>
      lastReady === undefined ? undefined : Date.parse(lastReady) / 1000
    ),
  },
];

/** All metrics, each with its explanation, ended by a line end. */
export function metricsText(devices: readonly DeviceStatus[], facts: ProcessFacts): string {
  const lines = [
    ...head("build_info", "gauge", "1, with the version."),
    sample("build_info", { version: facts.version }, 1),
    ...head("start_time_seconds", "gauge", "When the process started."),
    sample("start_time_seconds", {}, facts.startedAt / 1000),
  ];
  const running = devices.filter(({ state }) => state !== "disabled");
  for (const { name, kind, help, samples } of METRICS) {
    const values = running.flatMap((device) =>
      samples(device).flatMap(([labels, value]) =>
        value === undefined ? [] : [sample(name, { device: device.name, ...labels }, value)]
      )
    );
    if (values.length > 0) lines.push(...head(name, kind, help), ...values);
  }
  return `${lines.join("\n")}\n`;
}

function head(name: string, kind: Metric["kind"], help: string): readonly string[] {
  return [`# HELP dahua_p2p_${name} ${help}`, `# TYPE dahua_p2p_${name} ${kind}`];
}

function sample(name: string, labels: Labels, value: number): string {
  const text = Object.entries(labels).map(([key, label]) => `${key}="${escaped(label)}"`);
  return `dahua_p2p_${name}${text.length === 0 ? "" : `{${text.join(",")}}`} ${value}`;
}

function escaped(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
