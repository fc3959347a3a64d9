/**
 * The version, from the one place that states it.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };

/** Version of this program, `major.minor.patch`. */
export const VERSION_TEXT: string = manifest.version;
