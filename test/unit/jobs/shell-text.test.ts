import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLiteralCommand, shellQuote } from "../../../src/jobs/index.ts";

describe("isLiteralCommand", () => {
  it.each([
    "true",
    "sleep 10",
    "  sleep 0.5\t",
    "./run.sh --seed=3 a,b:c@d%e+f",
    "/usr/bin/env python3 train.py",
    "sort -k1,1 in.txt | uniq -c > counts.txt",
    "fold -w2 pi-01 | sort | uniq -c >> all 2> err",
    "cat < in > out 2>&1",
    "awk '{ print $1; exit }' file",
    `grep "a b" file && echo found || echo not`,
    "false ; true",
    "prog a=b 2>/dev/null",
    `echo 'it'"'"'s'`,
  ])("takes %j", (cmd) => {
    expect(isLiteralCommand(cmd)).toBe(true);
  });

  it.each([
    "",
    "   ",
    "echo $$",
    "echo ${HOME}",
    "echo `date`",
    'echo "$PPID"',
    'echo "a\\"b"',
    "echo *.txt",
    "echo ?",
    "ls [ab]",
    "echo {1,2}",
    "cd /tmp && pwd",
    "exit 3",
    "exec true",
    "set -e; false",
    "trap 'x' EXIT",
    "time sleep 1",
    "! true",
    "if true; then false; fi",
    "(true)",
    "{ true; }",
    "sleep 5 &",
    "true & true",
    "true &&& false",
    "a |& b",
    "cat <<EOF",
    "cat <<< x",
    "cat <(true)",
    "true\nfalse",
    "true # comment",
    "A=1 env",
    "~/bin/x",
    "echo ~",
    "echo !!",
    "echo \\n",
    "'true'",
    "tr'ue'",
    ": x",
    ". file",
    "source file",
    "eval true",
    "kill 1",
    "wait",
    "jobs",
    "ulimit -n",
    "umask",
    "test -f x",
    "[ -f x ]",
    "echo 'unbalanced",
    'echo "unbalanced',
    "true;",
    "| true",
    "true |",
    "echo a3>x",
    "echo 3>x",
    "true >| x",
    "true >&2",
    "true 2>&3",
    "true 2>&1x",
    "x() { :; }",
    "function x",
    `${"a".repeat(5000)}`,
    "printf '\\n'",
    "declare -p",
  ])("leaves %j to a new shell", (cmd) => {
    expect(isLiteralCommand(cmd)).toBe(false);
  });

  it("takes no text with an expansion outside quotes, whatever surrounds it", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom("$", "`", "\\", "*", "?", "[", "{", "(", ")", "~", "!", "#", "\n", "\0"),
        fc.string(),
        (before, special, after) => {
          const cmd = (before + special + after).replaceAll(/['"]/g, "");
          fc.pre(cmd.trim() === cmd);
          expect(isLiteralCommand(`true ${cmd}`)).toBe(false);
        },
      ),
    );
  });

  it("answers for long hostile texts without delay", () => {
    for (const piece of ["a ", "a'b' ", "1>", "<a ", "a;", "2>&1 ", '"" ']) isLiteralCommand(piece.repeat(4096 / piece.length));
    expect(isLiteralCommand(`a ${"2".repeat(4000)}>`)).toBe(false);
  });
});

describe("shellQuote", () => {
  it("any text without NUL comes out of the shell as it went in", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 8 }), (texts) => {
        fc.pre(texts.every((text) => !text.includes("\0") && text.isWellFormed()));
        const { stdout } = spawnSync("/bin/sh", ["-c", `printf '%s\\0' ${texts.map(shellQuote).join(" ")}`], { encoding: "utf8" });
        expect(stdout.split("\0").slice(0, -1)).toEqual(texts);
      }),
      { numRuns: 30 },
    );
  });
});
