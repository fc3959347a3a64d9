/**
 * What an RTSP client says when it cannot go on: the reason words of the device's service.
 *
 * When causes share a symptom, the sentence names them and what tells them apart.
 *
 * @module
 */
import type { Failure } from "../failure.ts";

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10}s`;

/** The device wants a login and there is none, or none that may be sent. */
export function loginWanted(why: "none-given" | "basic-only"): Failure {
  return {
    reason: "rtsp-unauthorized",
    what: why === "none-given"
      ? "The device answers RTSP but asks for a login to show its streams."
      : "The device asks for a login in a form that would send the password in clear.",
    advice: why === "none-given"
      ? "Set --username and DAHUA_P2P_PASSWORD_FILE, or check at level rtsp."
      : "Turn digest authentication on in the device, or check without a user.",
  };
}

/** The device refused the login, once. */
export function loginRefused(username: string): Failure {
  return {
    reason: "rtsp-unauthorized",
    what: `RTSP refused user '${username}' (401).`,
    advice:
      "Usually a wrong password; a full connection limit and a locked account answer alike. " +
      "If the same login works in the device's web page, it is one of those. Not tried again: " +
      "devices lock out after a few tries.",
  };
}

/** Connections or users of the device are used up. */
export function limitReached(evidence: string): Failure {
  return {
    reason: "rtsp-limit",
    what: `The device turned the RTSP connection down: ${evidence}.`,
    advice: "Usually its connection limit, not the password. Close other viewers and try again.",
    facts: { evidence },
  };
}

/** The device refuses everybody. */
export function lockedOut(): Failure {
  return {
    reason: "lockout",
    what: "The device refuses RTSP before any login (403): it has locked logins.",
    advice: "Stop every client that uses a wrong password and wait 30 min.",
  };
}

/** There is no such stream. */
export function notFound(channels: readonly number[]): Failure {
  return {
    reason: "rtsp-not-found",
    what: `The device answers RTSP but has no channel ${channels.join(", ")}.`,
    advice: "Channels of a recorder start at 1; an unused one has no stream.",
    facts: { channels: channels.join(",") },
  };
}

/** An answer that makes no sense. `what` names it without quoting it. */
export function unexpected(what: string): Failure {
  return {
    reason: "protocol",
    what: `The device's RTSP service answered unexpectedly: ${what}.`,
    advice: "Is another service on this port? If not, run with --debug and report it.",
    facts: { what },
  };
}

/** The dialogue stopped half-way. */
export function answerMissing(method: string, afterMs: number): Failure {
  return {
    reason: "data-stalled",
    what: `The device answered RTSP at first, but not ${method} within ${seconds(afterMs)}.`,
    advice: "Its line or its RTSP service is stuck; try again.",
    facts: { method, afterMs },
  };
}

/** Media was granted and cannot be shown. */
export function noPicture(packets: number, afterMs: number): Failure {
  return {
    reason: "data-stalled",
    what: packets === 0
      ? `The device granted PLAY but sent no media within ${seconds(afterMs)}.`
      : `Media comes (${packets} packets) but no key frame within ${seconds(afterMs)}.`,
    advice: packets === 0
      ? "Is the camera of this channel connected?"
      : "Lower the I-frame interval of the stream in the device.",
    facts: { packets, afterMs },
  };
}

/** The device's description holds no video. */
export function noVideo(channel: number): Failure {
  return {
    reason: "rtsp-not-found",
    what: `The device describes channel ${channel} without video.`,
    advice: "Is a camera connected to it?",
    facts: { channel },
  };
}
