/**
 * The serial number of a device as people type it.
 *
 * @module
 */
import { usageError } from "./usage.ts";

const FORM = "A serial is 10 to 32 letters and digits, as printed on the device's label.";

/**
 * Takes a serial exactly as typed: the cloud decides about its letters' case.
 *
 * The message does not repeat it: what stands there may be a password in the wrong place.
 *
 * @throws {FailureError} `usage` when it is not 10 to 32 letters and digits.
 */
export function checkSerial(text: string): string {
  if (/^[A-Za-z0-9]{10,32}$/.test(text)) return text;
  const bad = [...text].findIndex((character) => !/[A-Za-z0-9]/.test(character));
  throw usageError(
    bad >= 0
      ? `The serial's character ${bad + 1} is neither a letter nor a digit.`
      : `The serial has ${text.length} character${text.length === 1 ? "" : "s"}.`,
    FORM,
  );
}
