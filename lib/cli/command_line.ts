/**
 * A whole run of the program: from its arguments to its exit code.
 *
 * @module
 */
import { type Failure, FailureError } from "../core/failure.ts";
import { type Arguments, parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { PromptInterruptedError } from "./credentials.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
import { helpText } from "./help.ts";
import { type Host, processHost } from "./host.ts";
import { Log } from "./log.ts";
import type { Level } from "./log_format.ts";
import { environmentName } from "./option.ts";
import { DEBUG, HELP, LOG_FORMAT, LOG_LEVEL, QUIET, SHOW_SERIALS, VERSION } from "./options.ts";
import { OutputClosedError } from "./output.ts";
import { Redactor } from "./redaction.ts";
import { Settings } from "./settings.ts";
import { usageError } from "./usage.ts";
import { VERSION_TEXT } from "./version.ts";

/**
 * Runs the command that the arguments name. Never throws: whatever goes wrong is printed and has an
 * exit code.
 *
 * @param args The words after the program's name.
 */
export async function runCommandLine(
  args: readonly string[],
  host: Host = processHost(),
): Promise<ExitCode> {
  const redactor = new Redactor();
  let log = openLog({ level: "info", format: likelyFormat(args, host) }, redactor, host);
  let picked: PickedCommand | undefined;
  try {
    picked = pickCommand(args);
    const { command, words } = picked;
    const parsed = parseArguments(words, command.options);
    if (parsed.given.has(HELP)) {
      const others = command === COMMANDS[0] ? COMMANDS.slice(1) : [];
      host.stdout.line(helpText(command, others));
      return EXIT.ok;
    }
    if (parsed.given.has(VERSION)) {
      host.stdout.line(`dahua-p2p ${VERSION_TEXT}`);
      return EXIT.ok;
    }
    const settings = new Settings(parsed, command.options, host.env);
    if (settings.isOn(SHOW_SERIALS)) redactor.showSerials();
    const format = settings.get(LOG_FORMAT) ?? "text";
    log = openLog({ level: logLevel(settings), format }, redactor, host);
    host.onUncaught((error) => Deno.exit(reportError(error, log)));
    checkOperands(parsed, command);
    const { operands } = parsed;
    return await command.run({ settings, operands, host, log, redactor });
  } catch (error) {
    const code = reportError(error, log);
    return picked?.command.failed?.({ error, code, words: picked.words, host }) ?? code;
  }
}

interface PickedCommand {
  readonly command: Command;
  readonly words: readonly string[];
}

function pickCommand(args: readonly string[]): PickedCommand {
  const named = COMMANDS.find(({ name }) => name !== undefined && name === args[0]);
  return named ? { command: named, words: args.slice(1) } : { command: COMMANDS[0], words: args };
}

function checkOperands({ operands }: Arguments, { operands: wanted }: Command): void {
  const late = COMMANDS.find(({ name }) =>
    name !== undefined && operands.includes(name) && !wanted.words?.includes(name)
  );
  if (late) {
    throw usageError(
      "The command comes after options.",
      `It comes first: dahua-p2p ${late.name} [OPTIONS].`,
    );
  }
  if (operands.length >= wanted.min && operands.length <= wanted.max) return;
  // What stands there is not repeated: a stray word is often a password.
  throw usageError(
    `${operands.length} words are given beside the options.`,
    `The command takes ${wanted.what}; --help shows how it is used.`,
  );
}

function logLevel(settings: Settings): Level {
  const chosen = settings.chosen(LOG_LEVEL, QUIET, DEBUG);
  if (chosen === DEBUG) return "trace";
  return chosen === QUIET ? "warn" : settings.get(LOG_LEVEL) ?? "info";
}

/** The log format to complain in about arguments that could not be read. */
function likelyFormat(args: readonly string[], host: Host): "text" | "json" {
  const name = `--${LOG_FORMAT.name}`;
  const index = args.indexOf(name);
  const flag = args.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ??
    (index < 0 ? undefined : args[index + 1]);
  return (flag ?? host.env(environmentName(LOG_FORMAT))) === "json" ? "json" : "text";
}

function openLog(
  options: { readonly level: Level; readonly format: "text" | "json" },
  redactor: Redactor,
  host: Host,
): Log {
  const color = host.stderrIsTerminal && (host.env("NO_COLOR") ?? "") === "" ? "on" : "off";
  const audience = host.stderrIsTerminal ? "terminal" : "file";
  return new Log({ ...options, audience, color, redactor, output: host.stderr });
}

/** Prints what ended a command and gives its exit code. */
function reportError(error: unknown, log: Log): ExitCode {
  if (error instanceof OutputClosedError) return EXIT.brokenPipe;
  if (error instanceof PromptInterruptedError) return EXIT.interrupted;
  if (error instanceof FailureError) {
    log.failure(error.failure);
    return exitCodeOf(error.reason);
  }
  log.failure(bug(error));
  const stack = error instanceof Error ? error.stack ?? "" : "";
  for (const line of stack.split("\n").slice(1)) log.debug("stack", line);
  return EXIT.software;
}

function bug(error: unknown): Failure {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    reason: "internal",
    what: `Unexpected error: ${text}`,
    advice: "This is a bug: please report it with the output of the same command under --debug.",
  };
}
