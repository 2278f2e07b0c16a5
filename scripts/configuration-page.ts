// The text of docs/reference/configuration.md, made from the option tables.

import { OPTION_TABLES, type ConfigName, type OptionRow } from "../src/config/index.ts";

const ABOUT: Readonly<Record<ConfigName, string>> = {
  ipcluster: "Of `ipcluster` and `Cluster.start`. A name with a dot stands in a section: `controller.ip` is `{ controller: { ip: … } }`.",
  ipcontroller: "Of `ipcontroller`.",
  ipengine: "Of `ipengine`.",
};

/** The whole page. */
export function configurationPage(): string {
  const tables = (Object.keys(OPTION_TABLES) as ConfigName[]).map((name) => section(name));
  return `# Configuration

Options come from four places; later wins: default, profile file, environment, command line (or arguments in code). \`ipcluster config show\` prints
each with its value and the place it came from, but for keys (\`--changed\`: without the defaults; \`-o json\`; \`ipcluster config show ipcontroller\`).

A profile is a directory, \`~/.ipython/profile_NAME\` (\`$IPYTHONDIR\` names another place than \`~/.ipython\`), laid out as ipyparallel does, so that
Python's programs and these share it. \`ipcluster profile create --parallel --profile=NAME\` makes one with a commented file for each program.
Files may end in \`.ts\`, \`.mjs\`, \`.js\` or \`.json\`; an unknown option is an error that suggests the right one.

\`\`\`ts
import { defineConfig } from "tsparallel/config";

export default defineConfig({
  n: 8,
  controller: { ip: "*", logLevel: "info" },
});
\`\`\`

The profile itself is chosen by \`--profile-dir\`, else \`--profile\`, else \`IPP_PROFILE_DIR\`, else it is \`default\`. On the command line ipyparallel's own
spelling works too: \`-n=4\`, \`--Cluster.n=4\`, \`--IPController.ip='*'\`.

${tables.join("\n")}`;
}

function section(name: ConfigName): string {
  const rows = OPTION_TABLES[name].map((row) => `| \`${row.name}\` | ${typeOf(row)} | ${defaultOf(row)} | ${flagOf(row)} | ${cell(row.doc)} |`);
  return `## ${name}_config\n\n${ABOUT[name]}\n\n| option | type | default | flag, environment | meaning |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
}

function typeOf(row: OptionRow): string {
  if (row.choices !== undefined) return row.choices.map((choice) => `\`${choice}\``).join(", ");
  if (row.type === "level") return "log level";
  if (row.type === "list") return "list of texts";
  return row.unit === undefined ? row.type : `${row.type}, ${row.unit}`;
}

const defaultOf = (row: OptionRow): string => (row.default === null ? "" : `\`${JSON.stringify(row.default)}\``);

function flagOf(row: OptionRow): string {
  const names = [row.flag?.replace(/ <.*>$/, ""), row.env].filter((name) => name !== undefined);
  return names.map((name) => `\`${name}\``).join(", ");
}

/** A bar would end the cell. */
const cell = (text: string): string => text.replaceAll("|", "\\|");
