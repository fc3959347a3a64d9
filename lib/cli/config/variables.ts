/**
 * `${DAHUA_P2P_NAME}` and `${DAHUA_P2P_NAME:default}` inside the values of a configuration.
 *
 * @module
 */
import type { ReadEnvironment } from "../settings.ts";
import { InvalidValue } from "../usage.ts";

const REFERENCE = /\$\$\{|\$\{([^}:]*)(?::([^}]*))?\}/g;

/** Names that may be referred to; the executable is not permitted to read others. */
const NAME = /^DAHUA_P2P_[A-Z0-9_]+$/;

/**
 * Puts the values of variables in; `$${` stands for `${`.
 *
 * @throws {InvalidValue} When a name is none of ours, or is not set and has no default.
 */
export function expandVariables(text: string, env: ReadEnvironment): string {
  return text.replace(REFERENCE, (whole, name: string | undefined, otherwise?: string) => {
    if (whole === "$${") return "${";
    if (name === undefined || !NAME.test(name)) {
      throw new InvalidValue("a variable whose name starts with DAHUA_P2P_ (${DAHUA_P2P_NAME})");
    }
    const value = env(name);
    if (value !== undefined && value !== "") return value;
    if (otherwise !== undefined) return otherwise;
    throw new InvalidValue(`without the environment variable ${name}, which is not set`);
  });
}
