// The command line of `npm run test:interop`.

import { parseArgs } from "node:util";
import { resolveFiles } from "./suite.ts";
import type { Side } from "./run-file.ts";

/** What the user asked for. */
export interface InteropOptions {
  readonly sides: readonly Side[];
  readonly files: readonly string[];
  /** Arguments of pytest, `-k` among them. */
  readonly extra: readonly string[];
  /** Only some tests of the files are run, so that a missing one means nothing. */
  readonly isChoice: boolean;
  /** Write the original's outcomes to the recorded ones. */
  readonly isRecording: boolean;
  readonly isHelp: boolean;
}

export const USAGE = `Usage: npm run test:interop -- [--ours | --original] [-k EXPRESSION] [FILE ...] [-- PYTEST ARGUMENTS]

Runs ipyparallel's own tests with real Python engines and clients: with its controller, with ours, or with both, file by file.
Exit status 1 when a test that passes with the original does not pass with ours.

  FILE            client, lbview, view ... (test_client.py is understood too); all when absent
  --ours          only ours, compared with the outcomes recorded in test/interop/original.json
  --original      only the original
  --record        write the original's outcomes to that file; whole suite only
  -k EXPRESSION   only tests that match, as pytest understands it
`;

/** @throws Error with one sentence for what is not understood */
export function parseOptions(argv: readonly string[]): InteropOptions {
  const at = argv.indexOf("--");
  const own = at < 0 ? argv : argv.slice(0, at);
  const { values, positionals } = parseArgs({
    args: [...own],
    allowPositionals: true,
    options: {
      ours: { type: "boolean", default: false },
      original: { type: "boolean", default: false },
      record: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      keyword: { type: "string", short: "k" },
    },
  });
  const extra = [...(values.keyword === undefined ? [] : ["-k", values.keyword]), ...(at < 0 ? [] : argv.slice(at + 1))];
  const sides: readonly Side[] = values.ours === values.original ? ["original", "ours"] : values.ours ? ["ours"] : ["original"];
  if (values.record && (!sides.includes("original") || extra.length > 0 || positionals.length > 0))
    throw new Error("--record needs the whole suite with the original: leave out --ours, files and choices of tests");
  return { sides, files: resolveFiles(positionals), extra, isChoice: extra.length > 0, isRecording: values.record, isHelp: values.help };
}
