// How the agent comes to a host: a line for whatever login shell is there, which finds Node and has it read the agent from
// standard input. No secret is in it, and no quote, newline or exclamation mark that some shell would take otherwise.

import { readFileSync } from "node:fs";
import { shellWord } from "../shell-words.ts";

/** What stands before each line that is the agent's. */
export const MARK = "@tsparallel ";

/** Exit status of the line when there is no Node. */
export const NO_NODE_STATUS = 127;

/** Tells its version, then reads a line that is the agent, and runs it with what came behind that line. */
const READER = [
  `process.stdout.write(\\"${MARK}\\"+JSON.stringify({type:\\"node\\",version:process.versions.node,path:process.execPath})+\\"\\\\n\\");`,
  `var s=process.stdin,b=\\"\\";s.setEncoding(\\"utf8\\");s.on(\\"end\\",function(){process.exit(0)});`,
  `function f(d){b+=d;var i=b.indexOf(\\"\\\\n\\");if(i<0)return;s.pause();s.removeListener(\\"data\\",f);s.removeAllListeners(\\"end\\");`,
  `import(\\"data:text/javascript;base64,\\"+b.slice(0,i)).then(function(m){m.run(b.slice(i+1))})}`,
  `s.on(\\"data\\",f)`,
].join("");

/** Places of Node that a login without a terminal often does not have on its search path. */
const PLACES = [
  "/usr/local/bin/node",
  "/opt/node/bin/node",
  '"$HOME"/.local/bin/node',
  '"$HOME"/.volta/bin/node',
  '"$HOME"/.asdf/shims/node',
  '"$HOME"/.local/share/fnm/aliases/default/bin/node',
  '"$HOME"/.nvm/versions/node/*/bin/node',
];

/**
 * The command line for ssh.
 *
 * @param node Node's program on the host; empty: it is looked for
 */
export function bootstrapLine(node: string): string {
  const look = [`n=$(command -v node) || for p in ${PLACES.join(" ")}; do [ -x "$p" ] && n=$p; done`, `[ -n "$n" ] || n=$(sh -lc "command -v node")`].join(
    "; ",
  );
  const find = node === "" ? look : `n=$(command -v ${shellWord(node)})`;
  // Quotes inside: a name with a single quote was put into single quotes by `shellWord`.
  const script = `${find}; [ -n "$n" ] || exit ${NO_NODE_STATUS}; exec "$n" -e "${READER}"`;
  return `exec sh -c '${script.replaceAll("'", `'\\''`)}'`;
}

let agentLine: string | undefined;

/** The agent as one line. */
export function agentText(): string {
  agentLine ??= `${readFileSync(new URL("./agent.js", import.meta.url)).toString("base64")}\n`;
  return agentLine;
}
