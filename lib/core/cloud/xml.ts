/**
 * Bodies of DH-HTTP messages: one flat XML element `<body>` whose children hold text, with or
 * without prolog, or the same as one bare JSON object.
 *
 * Source: PROTOCOL.md sections 1.1, 1.2 and 6.2.
 *
 * @module
 */
import { parseXml, XmlElement } from "@std/xml";
import { decodeUtf8, utf8 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";

/** A tag and its text, in wire order. */
export type Tag = readonly [name: string, text: string];

/** Text by tag name. The first of several tags of one name counts. */
export type Body = ReadonlyMap<string, string>;

/** What precedes the root element in answers that carry a prolog. */
export const XML_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>';

/** Most tags read from one body. Recorded bodies have up to fourteen. */
export const MAX_TAGS = 64;

/**
 * Tags of a body. An empty body has none.
 *
 * @throws {DecodeError} When it is neither XML nor a JSON object, or not flat, or beyond the limits.
 */
export function decodeBody(bytes: Uint8Array): Body {
  const text = decodeUtf8(bytes, "body").trim();
  if (text === "") return new Map();
  return text.startsWith("{") ? fromJson(text) : fromXml(text);
}

/** The bytes of a body with these tags, in this order. */
export function encodeBody(
  tags: readonly Tag[],
  options: { readonly prolog?: "xml" | undefined } = {},
): Uint8Array {
  let text = options.prolog === "xml" ? XML_PROLOG : "";
  text += "<body>";
  for (const [name, value] of tags) text += `<${name}>${escapeText(value)}</${name}>`;
  return utf8(text + "</body>");
}

function escapeText(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function fromXml(text: string): Body {
  const body = new Map<string, string>();
  try {
    const root = parseXml(text).root;
    for (const child of root?.children ?? []) {
      if (!(child instanceof XmlElement)) continue;
      if (child.children.some((inner) => inner instanceof XmlElement)) {
        throw new DecodeError("body is not flat");
      }
      if (!body.has(child.name)) add(body, child.name, child.text.trim());
    }
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    // The parser's own message quotes the text, and a very deep nesting overflows its stack.
    throw new DecodeError("body is not XML");
  }
  return body;
}

function fromJson(text: string): Body {
  const body = new Map<string, string>();
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch {
    throw new DecodeError("body is not JSON");
  }
  for (const [name, value] of Object.entries(object as Record<string, unknown>)) {
    if (typeof value === "string") add(body, name, value);
    else if (typeof value === "number" || typeof value === "boolean") add(body, name, `${value}`);
  }
  return body;
}

function add(body: Map<string, string>, name: string, text: string): void {
  if (body.size >= MAX_TAGS) throw new DecodeError("too many tags");
  body.set(name, text);
}
