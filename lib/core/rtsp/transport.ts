/**
 * The `Transport` header of a `SETUP`: which of the offered transports can pass a byte stream.
 *
 * ```text
 * Transport: spec *("," spec)        in order of preference; the server chooses one
 * spec       RTP/profile["/"lower] *(";" parameter)      lower is UDP when absent
 * ```
 *
 * Source: RFC 2326 section 12.39.
 *
 * @module
 */

/**
 * What carries the media of one offered transport: the RTSP connection itself, datagrams (UDP,
 * unicast or multicast), or something this program does not know.
 */
export type TransportCarrier = "interleaved" | "datagram" | "unknown";

/** Splits at `separator` outside of quoted strings. */
function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (text[i] === separator && !quoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

/** The transports of one header value, in order, without the white space around them. */
export function splitTransports(value: string): string[] {
  return splitUnquoted(value, ",");
}

/** What carries the media if the server chooses this transport. */
export function transportCarrier(spec: string): TransportCarrier {
  const [protocol, ...parameters] = splitUnquoted(spec.toLowerCase(), ";");
  if (parameters.some((parameter) => /^interleaved\s*(=|$)/.test(parameter))) return "interleaved";
  const [family, , lower] = (protocol ?? "").split("/").map((part) => part.trim());
  if (lower === "tcp") return "interleaved";
  if (lower === "udp" || parameters.includes("multicast")) return "datagram";
  return family === "rtp" && lower === undefined ? "datagram" : "unknown";
}

/** One parameter of a transport, e.g. `interleaved`; empty text for one without a value. */
export function transportParameter(spec: string, name: string): string | undefined {
  for (const parameter of splitUnquoted(spec, ";").slice(1)) {
    const [key, value] = parameter.split("=", 2);
    if (key!.trim().toLowerCase() === name.toLowerCase()) return (value ?? "").trim();
  }
  return undefined;
}
