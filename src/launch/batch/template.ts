// Templates of batch scripts: text with variables in braces. `{{` and `}}` stand for braces themselves, as in ipyparallel's
// templates, so that those can be taken over.

import { ConfigError } from "../../base/index.ts";
import { didYouMean } from "../../config/index.ts";

/** Values by the variables' names; `undefined` when an option that the variable stands for was not given. */
export type TemplateVariables = { readonly [name: string]: string | undefined };

const TOKEN = /\{\{|\}\}|\{([^{}\n]*)\}|[{}]/g;
const NAME = /^[a-z_]+$/;

/**
 * Puts values in the place of variables.
 *
 * @param origin names the template in messages
 * @throws ConfigError for an unknown variable, a lone brace, or a variable whose option was not given
 */
export function renderTemplate(template: string, variables: TemplateVariables, origin: string): string {
  return template.replaceAll(TOKEN, (token: string, name: string | undefined) => {
    if (token === "{{") return "{";
    if (token === "}}") return "}";
    if (name === undefined || !NAME.test(name))
      throw new ConfigError(`${origin}: "${token}" is no variable; write {{ and }} for braces of the script itself (variables: ${known(variables)})`);
    if (!Object.hasOwn(variables, name))
      throw new ConfigError(`${origin}: no variable {${name}}${didYouMean(name, Object.keys(variables))} (${known(variables)})`);
    const value = variables[name];
    if (value === undefined) throw new ConfigError(`${origin} names {${name}}, but no ${name.replaceAll("_", " ")} was given`);
    return value;
  });
}

/** Names of the variables that a template mentions. */
export function variablesOf(template: string): ReadonlySet<string> {
  return new Set([...template.matchAll(TOKEN)].flatMap((match) => match[1] ?? []));
}

const known = (variables: TemplateVariables): string => Object.keys(variables).toSorted().join(", ");
