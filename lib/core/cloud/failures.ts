/**
 * What signaling says when it cannot go on. The reason words are stable; the sentences are those
 * of the project's table of failures.
 *
 * @module
 */
import type { Failure } from "../failure.ts";

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10}s`;

/** Minutes and seconds, e.g. `4m10s`. */
function minutes(ms: number): string {
  const total = Math.round(Math.abs(ms) / 1000);
  const hours = Math.floor(total / 3600);
  const parts = [`${Math.floor(total / 60) % 60}m`, `${String(total % 60).padStart(2, "0")}s`];
  return (hours > 0 ? `${hours}h` : "") + parts.join("");
}

/** The device wants a login and none was given, or none was allowed to be sent. */
export function authRequired(): Failure {
  return {
    reason: "auth-required",
    what: "device wants a login for the tunnel.",
    advice: "Set --username and DAHUA_P2P_PASSWORD_FILE to a local device account.",
  };
}

/** The device has judged the account and refused it. */
export function authRejected(username: string, error: string): Failure {
  return {
    reason: "auth-rejected",
    what: `device refused user '${username}'.`,
    advice: "Use the device's own password, not the DMSS/Imou account and not the code on the " +
      "sticker. Not retrying: devices lock out after a few tries (about 30 min).",
    facts: { error },
  };
}

/** The salt was refused, so that the password was never judged. */
export function authSalt(): Failure {
  return {
    reason: "auth-salt",
    what: "device refused our salt; fetched it again and it still failed.",
    advice: "Your password was not judged. Please run doctor and report.",
  };
}

/** The device wants its salt, and the server that knows it said nothing: not the account's fault. */
export function saltUnknown(): Failure {
  return {
    reason: "cloud-unreachable",
    what: "device wants a login, and the cloud's device-information server did not answer.",
    advice: "Your password was not judged. Outbound UDP to that server may be blocked.",
  };
}

/** The clocks differ; as a failure, the corrected time was refused too. */
export function clockSkew(offsetMs: number): Failure {
  return {
    reason: "clock-skew",
    what: `clock differs from the cloud by ${minutes(offsetMs)}.`,
    advice: "Fix the time (NTP).",
    facts: { offsetMs: Math.round(offsetMs) },
  };
}

/** No cloud has heard of the serial. */
export function deviceUnknown(...clouds: readonly string[]): Failure {
  return {
    reason: "device-unknown",
    what: `no cloud we tried knows this serial: ${clouds.map((name) => `${name} 404`).join(", ")}.`,
    advice: "Check the serial; choose --cloud for your brand; check P2P is on in the device " +
      "(Network > P2P/Easy4IP: Online).",
    facts: { cloud: clouds.join(", ") },
  };
}

/** The cloud knows the device, and that it is not there. */
export function deviceOffline(): Failure {
  return {
    reason: "device-offline",
    what: "cloud knows the device but it is offline (power, internet, or P2P off).",
    advice: "The vendor app should show Offline too.",
  };
}

/** The cloud knows the device; nothing came from it. */
export function deviceSilent(cloud: string, afterMs: number): Failure {
  return {
    reason: "device-silent",
    what: `found through ${cloud} but the device did not answer in ${seconds(afterMs)}.`,
    advice: "It may be busy or bound to another brand's cloud: close other viewers, or choose " +
      "--cloud for your brand.",
    facts: { cloud, afterMs },
  };
}

/** The cloud refuses the app's own account. */
export function appRejected(status: number): Failure {
  return {
    reason: "app-rejected",
    what: "the cloud refused this program, not your device.",
    advice: "Update, or set --app-key-file. All devices on this profile are affected.",
    facts: { status },
  };
}

/** No address of the cloud has answered. */
export function cloudUnreachable(tried: number, total: number, afterMs: number): Failure {
  return {
    reason: "cloud-unreachable",
    what: `no answer over UDP from ${tried} of ${total} cloud addresses in ${seconds(afterMs)}.`,
    advice: "DNS is fine. Outbound UDP is probably blocked (VPN, firewall).",
    facts: { tried, total, afterMs },
  };
}

/** The cloud knows the serial, and its server that would know more says nothing. */
export function statusUnknown(cloud: string, afterMs: number): Failure {
  return {
    reason: "cloud-unreachable",
    what: `${cloud} knows the device, but its status server gave no answer in ${seconds(afterMs)}.`,
    advice: "Whether the device is online is not known; check at level session to see.",
    facts: { cloud, afterMs },
  };
}

/** The relay was refused or silent at the step named. */
export function relayBusy(step: string, status?: number): Failure {
  return {
    reason: "relay-busy",
    what: "relay refused or silent; the device frees a lost session only after a while.",
    advice: "Try again in 30s.",
    facts: { step, ...(status === undefined ? {} : { status }) },
  };
}

/** An answer that makes no sense to us. `what` names it without quoting it. */
export function unexpectedReply(
  what: string,
  facts: Readonly<Record<string, string | number>> = {},
): Failure {
  return {
    reason: "protocol",
    what: `unexpected reply: ${what}.`,
    advice: "The cloud or the firmware may be new: run with --debug and report it.",
    facts,
  };
}

/** A refusal by the cloud that speaks neither of the device nor of its account. */
export function refused(
  exchange: string,
  refusal: { readonly status: number; readonly error: string },
  clock: { readonly skewed: boolean; readonly offsetMs: number },
): Failure {
  const { status, error } = refusal;
  if ((status === 401 || status === 403) && error === "") {
    return clock.skewed ? clockSkew(clock.offsetMs) : appRejected(status);
  }
  return unexpectedReply(`status ${status} ${error}`.trim(), { exchange, status, error });
}
