/**
 * What else could have caused a failure, and what would tell: some causes share one symptom.
 *
 * @module
 */
import type { Failure, Reason } from "../core/failure.ts";

/** What separates the causes that a reason word cannot tell apart; only where there are several. */
const SEPARATES: Readonly<Partial<Record<Reason, string>>> = {
  "device-unknown":
    "A typing error, another brand's cloud and a device that never had P2P on look alike: the " +
    "vendor's app, signed in or by the code on the label, tells them apart.",
  "device-offline":
    "No power, no internet and P2P switched off look alike: a look at the device from its own " +
    "network tells them apart.",
  "device-silent":
    "A device with all its sessions taken and one bound to another cloud look alike: if the " +
    "vendor's app shows pictures, it is the sessions or the cloud, and an hour later tells which.",
  "cloud-unreachable":
    "If other devices fail alike at the same time it is this network or the cloud, not the device.",
  "relay-busy":
    "A lost session that the device still holds and a relay that is full look alike: the first is " +
    "gone after 5 to 10 minutes.",
};

/** The failure's sentences: what happened, what to do, and what would separate its causes. */
export function explain(failure: Failure): string {
  return [failure.what, failure.advice, SEPARATES[failure.reason] ?? ""]
    .map(sentence).filter((text) => text !== "").join(" ");
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const begun = trimmed.replace(/^[a-z]/, (letter) => letter.toUpperCase());
  return begun === "" || /[.!?]["')]?$/.test(begun) ? begun : `${begun}.`;
}
