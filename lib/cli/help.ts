/**
 * The help of a command, made from its options.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { environmentName, type Option } from "./option.ts";

const WIDTH = 100;
const INDENT = 6;

/** The whole help text. Shows names of environment variables and defaults, never a value. */
export function helpText(command: Command, others: readonly Command[]): string {
  const sections = [
    command.summary,
    section("Usage", command.synopsis),
    section(
      "Other commands",
      others.map((other) => `${other.synopsis.join("\n  ")}\n      ${other.summary}`),
    ),
    section("Options", command.options.map(optionText)),
    ...command.notes.map(({ title, lines }) => section(title, lines)),
  ];
  return sections.filter((text) => text !== "").join("\n\n");
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${title}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

function optionText(option: Option<unknown>): string {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const placeholder = option.placeholder === undefined ? "" : ` ${option.placeholder}`;
  const remarks = [
    ...(option.environment === "yes" ? [`[env: ${environmentName(option)}]`] : []),
    ...(option.shownDefault === undefined ? [] : [`[default: ${option.shownDefault}]`]),
  ];
  const text = wrap([...option.help.split(" "), ...remarks], WIDTH - INDENT - 2);
  return [
    `${short}--${option.name}${placeholder}`,
    ...text.map((line) => " ".repeat(INDENT) + line),
  ]
    .join("\n  ");
}

function wrap(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}
