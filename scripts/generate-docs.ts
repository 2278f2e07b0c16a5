// Writes the reference pages that come from tables and comments in the source; tests compare them.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { ERROR_TABLE } from "../src/base/index.ts";
import { apiPages } from "./api-reference/pages.ts";
import { configurationPage } from "./configuration-page.ts";

const rows = Object.entries(ERROR_TABLE).map(([code, [meaning, remedy]]) => `| \`${code}\` | ${meaning} | ${remedy} |`);

writeFileSync(
  new URL("../docs/reference/errors.md", import.meta.url),
  `# Errors

Every error thrown by the library is a \`ParallelError\` with a stable \`code\`. Test the class or the code, never the text;
\`isParallelError\` also works across two copies of the package. Errors that came over the wire are \`KernelError\`s and have
\`ename\`, \`evalue\`, \`traceback\` and \`engineInfo\` besides.

| code | meaning | what to do |
|---|---|---|
${rows.join("\n")}
`,
);

writeFileSync(new URL("../docs/reference/configuration.md", import.meta.url), configurationPage());

const api = new URL("../docs/reference/api/", import.meta.url);
const pages = apiPages();
rmSync(api, { recursive: true, force: true });
mkdirSync(api, { recursive: true });
for (const [name, text] of pages) writeFileSync(new URL(name, api), text);
