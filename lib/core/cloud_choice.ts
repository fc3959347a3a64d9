/**
 * Which cloud is asked for a device, and which next.
 *
 * | what a cloud says of the device          | then                                        |
 * |------------------------------------------|---------------------------------------------|
 * | 404 at the lookup (`device-unknown`)     | the next cloud                              |
 * | 404 at the channel (`device-offline`)    | the next cloud                              |
 * | nothing from the device (`device-silent`)| the next cloud                              |
 * | anything else                            | final: the device or the cloud has judged   |
 *
 * A refused login is never carried to another cloud. When no cloud is left, the failure that tells
 * most is reported, with what the others said.
 *
 * Source: PROTOCOL.md sections 6.4 and 9 ("which cloud").
 *
 * @module
 */
import { type Dialect, SMARTPSS } from "./cloud/dialect.ts";
import { DMSS } from "./cloud/dmss.ts";
import { deviceUnknown } from "./cloud/failures.ts";
import type { AppAccount } from "./cloud/wsse.ts";
import { StateError } from "./errors.ts";
import type { Failure, Reason } from "./failure.ts";

/** A cloud that is built in, by the word people choose it with. */
export type CloudName = "easy4ip" | "dolynk";

/** Every such cloud, the one most devices are bound to first. */
export const CLOUD_NAMES: readonly CloudName[] = ["easy4ip", "dolynk"];

/** A dialect that is built in. */
export type DialectName = "smartpss" | "dmss";

/** Every such dialect. */
export const DIALECT_NAMES: readonly DialectName[] = ["smartpss", "dmss"];

/** Where a cloud's main server is. */
export interface CloudHost {
  /** Name or IPv4 literal. */
  readonly host: string;
  /** UDP port. */
  readonly port: number;
}

/** What people may say about the cloud; nothing means what works. */
export interface CloudSettings {
  /** `auto`: every built-in one, in turn. */
  readonly cloud?: "auto" | CloudName | CloudHost | undefined;
  /** How it is talked to; as the cloud's own app by default, like SmartPSS with any other host. */
  readonly dialect?: DialectName | undefined;
  /** The pair of another vendor's app. */
  readonly app?: AppAccount | undefined;
}

/** One cloud to ask. */
export interface CloudCandidate {
  /** As `--cloud` names it: a word, or `HOST:PORT`. */
  readonly cloud: string;
  /** Name of the dialect. */
  readonly dialectName: DialectName;
  /** With the cloud's place and the pair to prove ourselves with. */
  readonly dialect: Dialect;
}

const DIALECTS: Readonly<Record<DialectName, Dialect>> = { smartpss: SMARTPSS, dmss: DMSS };

/** The dialect of each cloud's own app; cloud and pair are that app's too. */
const OWN_DIALECT: Readonly<Record<CloudName, DialectName>> = {
  easy4ip: "smartpss",
  dolynk: "dmss",
};

/**
 * The clouds to ask, in order: SmartPSS's first, for it is the one most devices are bound to, but
 * before all the one that worked last time.
 *
 * @param remembered Cloud and dialect that worked, by their names; unknown ones change nothing.
 */
export function cloudCandidates(
  settings: CloudSettings,
  remembered?: { readonly cloud: string; readonly dialect: string },
): readonly CloudCandidate[] {
  const { cloud = "auto", dialect } = settings;
  if (typeof cloud === "object") return [candidateAt(cloud, settings)];
  const names = cloud === "auto"
    ? CLOUD_NAMES.filter((name) => dialect === undefined || OWN_DIALECT[name] === dialect)
    : [cloud];
  return rememberedFirst(names.map((name) => builtIn(name, settings)), remembered);
}

/** The same candidates, but before all the one that worked last time. */
export function rememberedFirst(
  candidates: readonly CloudCandidate[],
  remembered: { readonly cloud: string; readonly dialect: string } | undefined,
): readonly CloudCandidate[] {
  const isRemembered = (candidate: CloudCandidate): boolean =>
    candidate.cloud === remembered?.cloud && candidate.dialectName === remembered.dialect;
  return [
    ...candidates.filter(isRemembered),
    ...candidates.filter((candidate) => !isRemembered(candidate)),
  ];
}

function builtIn(cloud: CloudName, { dialect, app }: CloudSettings): CloudCandidate {
  const own = DIALECTS[OWN_DIALECT[cloud]];
  const dialectName = dialect ?? OWN_DIALECT[cloud];
  return {
    cloud,
    dialectName,
    dialect: { ...DIALECTS[dialectName], cloud: own.cloud, account: app ?? own.account },
  };
}

function candidateAt({ host, port }: CloudHost, settings: CloudSettings): CloudCandidate {
  const dialectName = settings.dialect ?? "smartpss";
  const dialect = DIALECTS[dialectName];
  return {
    cloud: `${host}:${port}`,
    dialectName,
    dialect: {
      ...dialect,
      cloud: { name: host, host, port },
      account: settings.app ?? dialect.account,
    },
  };
}

/** What to do after a cloud has failed. */
export type CloudStep =
  /** Ask the next; the warning says so. */
  | { readonly type: "next"; readonly warning: Failure }
  | { readonly type: "failed"; readonly failure: Failure };

/** Reasons after which another cloud may know better. */
const MAY_BE_ELSEWHERE: readonly Reason[] = ["device-unknown", "device-offline", "device-silent"];

/** How much a reason tells; one that is not listed is about the device itself and tells most. */
const TELLS: Partial<Readonly<Record<Reason, number>>> = {
  "device-unknown": 1,
  "cloud-unreachable": 2,
  "app-rejected": 2,
  "clock-skew": 2,
  "device-offline": 3,
  "device-silent": 4,
};
const TELLS_MOST = 5;

const SAID: Partial<Readonly<Record<Reason, string>>> = {
  "device-unknown": "404",
  "device-offline": "offline",
  "device-silent": "silent",
  "cloud-unreachable": "unreachable",
  "app-rejected": "refused this program",
};

/** The course of asking one cloud after another. */
export class CloudChoice {
  readonly #candidates: readonly CloudCandidate[];
  readonly #heard: { readonly name: string; readonly failure: Failure }[] = [];

  /**
   * A choice of which nothing was asked yet.
   *
   * @throws {RangeError} When there is no cloud to ask.
   */
  constructor(candidates: readonly CloudCandidate[]) {
    if (candidates.length === 0) throw new RangeError("at least one cloud is needed");
    this.#candidates = candidates;
  }

  /** The one to ask now. @throws {StateError} When none is left. */
  get current(): CloudCandidate {
    const candidate = this.#candidates[this.#heard.length];
    if (!candidate) throw new StateError("no cloud is left");
    return candidate;
  }

  /** Whether no other is asked after the present one. */
  get isLast(): boolean {
    return this.#heard.length + 1 >= this.#candidates.length;
  }

  /** How long the device may keep silent at the present cloud, so that the others get their turn. */
  silenceLimitMs(remainingMs: number): number {
    return remainingMs / Math.max(1, this.#candidates.length - this.#heard.length);
  }

  /** Takes what came of the present cloud. */
  failed(failure: Failure): CloudStep {
    const { name } = this.current.dialect.cloud;
    const wasLast = this.isLast;
    this.#heard.push({ name, failure });
    if (wasLast || !MAY_BE_ELSEWHERE.includes(failure.reason)) {
      return { type: "failed", failure: this.#summary() };
    }
    const next = this.current.dialect.cloud.name;
    const place = `(${this.#heard.length + 1}/${this.#candidates.length})`;
    const what = failure.reason === "device-unknown"
      ? `${name} does not know this serial (404).`
      : failure.what;
    return {
      type: "next",
      warning: { ...failure, what, advice: `Trying profile ${next} ${place}.` },
    };
  }

  /** The failure when time is up before the present cloud was asked. */
  outOfTime(): Failure {
    return this.#summary();
  }

  #summary(): Failure {
    const [first] = this.#heard;
    if (!first) throw new StateError("no cloud was asked");
    const all = this.#heard.map(({ name, failure }) =>
      `${name} ${SAID[failure.reason] ?? failure.reason}`
    );
    if (this.#heard.length === 1) return first.failure;
    if (this.#heard.every(({ failure }) => failure.reason === "device-unknown")) {
      return deviceUnknown(...this.#heard.map(({ name }) => name));
    }
    const telling = this.#heard.reduce((best, one) => tells(one) > tells(best) ? one : best);
    const others = all.filter((_, i) => this.#heard[i] !== telling).join(", ");
    const { failure } = telling;
    return {
      ...failure,
      what: `${failure.what.replace(/\.$/, "")} (${others}).`,
      facts: { ...failure.facts, others },
    };
  }
}

function tells({ failure }: { readonly failure: Failure }): number {
  return TELLS[failure.reason] ?? TELLS_MOST;
}
