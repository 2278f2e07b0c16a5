// Scripts of batch jobs: what stands in them, how values are quoted, and what is refused.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BatchJobOptions, BatchJobRequest } from "../../../../src/launch/batch/batch-system.ts";
import { renderScript } from "../../../../src/launch/batch/script.ts";
import { directiveValue, jobNameOf, scriptWord } from "../../../../src/launch/batch/script-words.ts";
import { SLURM } from "../../../../src/launch/batch/slurm.ts";
import { renderTemplate } from "../../../../src/launch/batch/template.ts";
import { hoursMinutes, hoursMinutesSeconds, parseTimeLimit } from "../../../../src/launch/batch/time-limit.ts";

const OPTIONS: BatchJobOptions = { queue: undefined, account: undefined, timeLimitS: undefined, extraLines: [], template: undefined, scheduler: undefined };

function job(change: Partial<BatchJobRequest> = {}, options: Partial<BatchJobOptions> = {}): BatchJobRequest {
  return {
    role: "engines",
    n: 4,
    shape: "tasks",
    jobName: "ipengine",
    profileDir: "/home/me/.ipython/profile_default",
    clusterId: "",
    outputBase: "/home/me/log/ipengine-1",
    program: ["node", "ipengine.js", "--log-level=info"],
    identPrefix: "00112233-445566778899aabb",
    options: { ...OPTIONS, ...options },
    ...change,
  };
}

describe("a Slurm script", () => {
  it("has a directive for each option given, and starts the engines by srun", () => {
    const script = renderScript(
      SLURM,
      job({}, { queue: "main", account: "physics", timeLimitS: 5400, extraLines: ["#SBATCH --mem=4G", "module load nodejs"] }),
    );
    expect(script).toBe(`#!/bin/sh
#SBATCH --job-name=ipengine
#SBATCH --ntasks=4
#SBATCH --partition=main
#SBATCH --account=physics
#SBATCH --time=01:30:00
#SBATCH --output=/home/me/log/ipengine-1.log
#SBATCH --mem=4G
module load nodejs
#SBATCH --export=ALL
#SBATCH --no-requeue

# Engines of a cluster, one for each task. They find their controller by IPP_CONNECTION_INFO, which \`ipcluster\` puts into
# the environment that it submits this script with; without it, by the connection file in the profile.
export IPP_PROFILE_DIR=/home/me/.ipython/profile_default IPP_CLUSTER_ID=''
exec srun --kill-on-bad-exit=0 --wait=0 --output=/home/me/log/ipengine-1-%t.log sh -c 'exec node ipengine.js --log-level=info --ident=00112233-445566778899aabb"$(printf %08d "$SLURM_PROCID")"'
`);
  });

  it("of an array numbers its tasks from 0", () => {
    const script = renderScript(SLURM, job({ shape: "array" }));
    expect(script).toContain("#SBATCH --array=0-3\n");
    expect(script).toContain("#SBATCH --output=/home/me/log/ipengine-1-%a.log\n");
    expect(script).toContain('exec node ipengine.js --log-level=info --ident=00112233-445566778899aabb"$(printf %08d "$SLURM_ARRAY_TASK_ID")"\n');
    expect(script).not.toContain("srun");
  });

  it("of a user's template gets lines for the options that the template does not name", () => {
    const text = "#!/bin/bash\n#SBATCH -n {n} -p {queue}\nexport A=${{HOME}}\nsrun {program_and_args}\n";
    const script = renderScript(SLURM, job({ program: ["ipengine"] }, { queue: "fast", timeLimitS: 60, template: { text, origin: "mine.sh" } }));
    expect(script.split("\n").slice(0, 7)).toEqual([
      "#!/bin/bash",
      "#SBATCH --job-name=ipengine",
      "#SBATCH --time=00:01:00",
      "#SBATCH --output=/home/me/log/ipengine-1.log",
      "#SBATCH -n 4 -p fast",
      "export A=${HOME}",
      `srun sh -c 'exec ipengine --ident=00112233-445566778899aabb"$(printf %08d "$SLURM_PROCID")"'`,
    ]);
  });

  it.each([
    ["srun {program_and_args}", "srun"],
    ["  exec /usr/bin/mpiexec.hydra -f hosts {program} {program_args}", "mpiexec.hydra"],
    ["module load x && time mpirun -np 16 {program_and_args}", "mpirun"],
  ])("of a template with the line `%s` is refused for a program, which would run once for each task", (line, starter) => {
    const options = { template: { text: `#!/bin/sh\n${line}\n`, origin: "mine.sh" } };
    const program = job({ role: "program", identPrefix: undefined, wrapped: ["a.ts"] }, options);
    expect(() => renderScript(SLURM, program)).toThrow(`mine.sh is one for engines: its ${starter} would run the program once for each of the 4 tasks; `);
    expect(renderScript(SLURM, job({}, options))).toContain(starter);
  });

  it.each([
    "exec {program_and_args}",
    "# not by srun\n{program_and_args}",
    "srun -n1 {program_and_args}",
    "srun --ntasks=1 -N 1 {program_and_args}",
    "./my-srun.sh {program}",
  ])("of a template with the line `%s` is one for a program", (line) => {
    const program = job({ role: "program", identPrefix: undefined, wrapped: ["a.ts"] }, { template: { text: `#!/bin/sh\n${line}\n`, origin: "mine.sh" } });
    expect(() => renderScript(SLURM, program)).not.toThrow();
  });

  it("refuses values that could change it, in one sentence", () => {
    expect(() => renderScript(SLURM, job({}, { queue: "a b" }))).toThrow(
      'the queue "a b" is refused: " " cannot stand in a batch script\'s directive; use letters',
    );
    expect(() => renderScript(SLURM, job({}, { account: "x\n#SBATCH --uid=0" }))).toThrow(/the account .* is refused: "\\n" cannot stand/);
    expect(() => renderScript(SLURM, job({}, { extraLines: ["a\nb"] }))).toThrow(/the script line "a\\nb" is refused/);
    expect(() => renderScript(SLURM, job({ outputBase: "/home/my profile/log/x" }))).toThrow(/the output file's path .* is refused/);
    expect(() => renderScript(SLURM, job({ program: ["node", "-c", "a\nb"] }))).toThrow(/the argument "a\\nb" is refused/);
    expect(() => renderScript(SLURM, job({}, { queue: "" }))).toThrow(/it is empty/);
  });
});

describe("templates", () => {
  it("take values, keep doubled braces, and refuse what they do not know with a suggestion", () => {
    expect(renderTemplate("{n} {{x}} ${{HOME}}", { n: "4" }, "t")).toBe("4 {x} ${HOME}");
    expect(() => renderTemplate("{quue}", { queue: "q" }, "mine.sh")).toThrow('mine.sh: no variable {quue}; did you mean "queue"? (queue)');
    expect(() => renderTemplate("${HOME}", { n: "1" }, "mine.sh")).toThrow(/"\{HOME\}" is no variable; write \{\{ and \}\}/);
    expect(() => renderTemplate("{n//4}", { n: "1" }, "mine.sh")).toThrow(/"\{n\/\/4\}" is no variable/);
    expect(() => renderTemplate("{queue}", { queue: undefined }, "mine.sh")).toThrow("mine.sh names {queue}, but no queue was given");
  });
});

/** What a POSIX shell makes of a word of plain and single-quoted pieces and escaped characters. */
function unquote(word: string): string {
  return word.replaceAll(/'([^']*)'|\\(.)/g, (_, quoted: string | undefined, escaped: string | undefined) => quoted ?? escaped ?? "");
}

describe("quoting", () => {
  it("gives words that a shell reads back as they were, whatever they hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const oneLine = text.replaceAll(/[\n\r\0]/g, "_");
        expect(unquote(scriptWord(oneLine, "it"))).toBe(oneLine);
      }),
    );
    for (const letter of ["\n", "\r", "\0"]) expect(() => scriptWord(`a${letter}b`, "it")).toThrow(/line break/);
  });

  it("lets nothing into a directive that could end it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        let accepted = "";
        try {
          accepted = directiveValue(text, "it");
        } catch {
          return; // refused
        }
        expect(accepted).toBe(text);
        expect(accepted).not.toMatch(/[\s"'`$\\;&|<>(){}#!*?]/);
      }),
    );
  });

  it("makes job names of anything", () => expect(jobNameOf("ipengine-a b/ü")).toBe("ipengine-a_b__"));
});

describe("time limits", () => {
  it.each([
    ["1:30:00", 5400],
    ["2-01:00:00", 176_400],
    ["90m", 5400],
    ["1h30m", 5400],
    ["45s", 45],
    ["2d", 172_800],
  ])("%s is %i seconds", (text, seconds) => expect(parseTimeLimit(text)).toBe(seconds));

  it.each(["90", "", "0s", "1:30", "soon", "-5m"])("%j is refused, with the forms that are taken", (text) => {
    expect(() => parseTimeLimit(text)).toThrow(/is no time limit; write it as 1:30:00/);
  });

  it("are told in the systems' forms", () => {
    expect(hoursMinutesSeconds(90_061)).toBe("25:01:01");
    expect(hoursMinutes(61)).toBe("0:02");
  });
});
