/**
 * What a link says when it cannot be made or cannot go on: the reason words of the device tunnel's
 * layer, with their sentences.
 *
 * @module
 */
import type { Failure } from "./failure.ts";

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10}s`;

/** No candidate of the device answered our connectivity checks. */
export function punchFailed(tries: number, afterMs: number, relay: "used" | "disabled"): Failure {
  const what = `No direct path to the device (${tries} tries, ${seconds(afterMs)})`;
  return relay === "used"
    ? {
      reason: "punch-failed",
      what: `${what}; using the relay.`,
      advice: "Expect lower quality.",
      facts: { tries, afterMs },
    }
    : {
      reason: "punch-failed",
      what: `${what}, and the relay is disabled.`,
      advice:
        "Both ends may be behind carrier NAT, or a firewall filters UDP; allow the relay with --path auto.",
      facts: { tries, afterMs },
    };
}

/** The device joined neither the agent nor answered through it. */
export function relayBusy(afterMs: number): Failure {
  return {
    reason: "relay-busy",
    what: `The relay is ready but the device did not open a session through it in ${
      seconds(afterMs)
    }.`,
    advice: "The device frees a lost session only after a while; try again in 30s.",
    facts: { afterMs },
  };
}

/** The TCP relay, the last resort, did not work out; `what` goes on "The TCP relay …". */
export function tcpRelayFailed(what: string, status?: number): Failure {
  return {
    reason: "relay-busy",
    what: `The TCP relay ${what}${status === undefined ? "" : ` (status ${status})`}.`,
    advice: "This path is experimental; try --path auto, or again in 30s.",
    facts: { path: "tcp-relay", ...(status === undefined ? {} : { status }) },
  };
}

/** Direct path and relay are not to be had, and the device's policy names the TCP relay. */
export function usingTcpRelay(relay: Failure): Failure {
  return {
    reason: relay.reason,
    what: `${relay.what.replace(/\.$/, "")}; using the TCP relay, which is experimental.`,
    advice: "Please report whether it works.",
    facts: { ...relay.facts, path: "tcp-relay" },
  };
}

/** The path is open, yet the device opens no session or answers no BIND. */
export function sessionsFull(afterMs: number): Failure {
  return {
    reason: "sessions-full",
    what: `The device answers the cloud but opened no session in ${seconds(afterMs)}.`,
    advice: "Close viewers in the vendor's app or wait 5 to 10 minutes.",
    facts: { afterMs },
  };
}

/** Nothing at all has come from the device. */
export function peerSilent(silentMs: number): Failure {
  return {
    reason: "peer-silent",
    what: `Nothing came from the device for ${seconds(silentMs)}.`,
    advice: "The NAT mapping was lost, the device restarted, or its line is down.",
    facts: { silentMs },
  };
}

/** This machine slept, and the device is not there any more. */
export function lostInSleep(silentMs: number): Failure {
  return {
    reason: "peer-silent",
    what: `This machine was asleep, and nothing came from the device for ${
      seconds(silentMs)
    } since.`,
    advice: "A new session is needed.",
    facts: { silentMs, slept: true },
  };
}

/** The session lives, but the device leaves new streams unanswered. */
export function bindsIgnored(binds: number, sinceMs: number, path: string): Failure {
  return {
    reason: "relay-zombie",
    what: `The ${path} session opens no streams any more (${binds} without an answer${
      sinceMs > 0 ? ` in ${seconds(sinceMs)}` : ""
    }).`,
    advice: "A new session is needed.",
    facts: { binds, path },
  };
}

/** The device stopped acknowledging what we send. */
export function dataStalled(bytes: number, stalledMs: number): Failure {
  return {
    reason: "data-stalled",
    what: `The device has left ${bytes} bytes unacknowledged for ${seconds(stalledMs)}.`,
    advice: "The session is stuck; a new one is needed.",
    facts: { bytes, stalledMs },
  };
}

/** Realms are granted and take bytes, but nothing ever comes back. */
export function relayZombie(sentBytes: number, silentMs: number, path: string): Failure {
  return {
    reason: "relay-zombie",
    what: `The ${path} session carries no data (${sentBytes} bytes sent, 0 back in ${
      seconds(silentMs)
    }).`,
    advice: "A new session is needed.",
    facts: { sentBytes, silentMs, path },
  };
}

/** Time was up before the cloud, or before the device through it, had said anything. */
export function signalingSilent(who: "cloud" | "device", afterMs: number): Failure {
  return who === "cloud"
    ? {
      reason: "cloud-unreachable",
      what: `The cloud gave no answer in ${seconds(afterMs)}.`,
      advice: "Outbound UDP is probably blocked (VPN, firewall).",
      facts: { afterMs },
    }
    : {
      reason: "device-silent",
      what: `The cloud knows the device but the device did not answer in ${seconds(afterMs)}.`,
      advice: "It may be busy, or bound to another brand's cloud (--cloud).",
      facts: { afterMs },
    };
}

/** Our wall clock and the cloud's differ; the corrected time is in use. */
export function clockSkew(offsetMs: number): Failure {
  return {
    reason: "clock-skew",
    what: `The clock differs from the cloud's by ${seconds(Math.abs(offsetMs))}.`,
    advice: "Fix the time (NTP); going on with the cloud's.",
    facts: { offsetMs },
  };
}

/** The device or the relay broke the framing or reset the connection. */
export function sessionBroken(why: string): Failure {
  return {
    reason: "protocol",
    what: `The session with the device broke: ${why}.`,
    advice: "If it happens again, run with --debug and report it: the firmware may be new.",
    facts: { why },
  };
}

/** The connection was lost in a way the transport names. */
export function sessionLost(why: string): Failure {
  return {
    reason: "peer-silent",
    what: `The session with the device ended: ${why}.`,
    advice: "The device restarted, or its line is down.",
    facts: { why },
  };
}
