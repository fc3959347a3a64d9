/**
 * The recipes for scheduled checks, as tests look at them.
 *
 * @module
 */
import { parse } from "@std/yaml";

/** Folder of the recipes. */
export const RECIPES: URL = new URL("../../scripts/deploy/check/", import.meta.url);

/** Text of a recipe's file. */
export function recipe(name: string): string {
  return Deno.readTextFileSync(new URL(name, RECIPES));
}

/** A command line that a recipe gives to people. */
export interface RecipeCommand {
  readonly file: string;
  /** The words after the program's name. */
  readonly words: readonly string[];
}

/** A plain object of a YAML recipe. */
export type Yaml = Readonly<Record<string, unknown>>;

/** Every command line of every recipe. */
export function recipeCommands(): readonly RecipeCommand[] {
  const commands: RecipeCommand[] = [];
  for (const { name } of Deno.readDirSync(RECIPES)) {
    const text = recipe(name);
    const isPage = name.endsWith(".md");
    // A command in a page stands in a block of its own.
    const parts = isPage
      ? [...text.matchAll(/```(?:sh|bat|ini)\n(.*?)```/gs)].map((m) => m[1]!)
      : [text];
    for (const line of parts.join("\n").split("\n")) {
      if (/^\s*(#|\/\/)/.test(line)) continue;
      const match = /(?:^|[\s=>])(?:\S*[/\\])?dahua-p2p(?:\.exe)? +((?:check|report) .*)$/.exec(
        line,
      );
      if (match) commands.push({ file: name, words: shellWords(match[1]!) });
      const windows = /<Arguments>(.*)<\/Arguments>/.exec(line);
      if (windows) commands.push({ file: name, words: shellWords(windows[1]!) });
    }
  }
  const { args } = container();
  commands.push({ file: "check-cronjob.yaml", words: args });
  return commands;
}

/** The container of the Kubernetes recipe. */
export function container(): {
  readonly command: readonly string[];
  readonly args: readonly string[];
} {
  const manifest = cronJob();
  // deno-lint-ignore no-explicit-any -- a tree of YAML
  return (manifest as any).spec.jobTemplate.spec.template.spec.containers[0];
}

/** The manifest of the Kubernetes recipe. */
export function cronJob(): Yaml {
  return parse(recipe("check-cronjob.yaml")) as Yaml;
}

/** Words as a shell would cut them, up to a redirection or a comment. */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (/^(#|>|\||&&|;)/.test(word)) break;
    words.push(word.replace(/["']/g, ""));
  }
  return words;
}
