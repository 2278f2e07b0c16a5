// How often each word occurs in the text files of a folder, counted twice on a cluster: by shell jobs (bakapara), which need no TypeScript
// beyond their command, and by a function that a map runs. Both must count the same; the frequencies are drawn by rank.
//
//   npm run example -- words [--folder=node_modules] [--endings=.md,.ts] [--megabytes=16] [--engines=N] [--out=DIR]

import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Cluster, type Client } from "tsparallel";
import { Bakapara, type Job } from "tsparallel/bakapara";
import { Plot, plotInto } from "../plots.ts";
import { count, engineCount, folder, makeFolder, readOptions, runExample, seconds, text, timed, whole } from "../program.ts";

const OPTIONS = {
  folder: folder("node_modules", "where the text files lie, in all folders below"),
  endings: text(".md,.ts", "of the files that are read", "LIST"),
  megabytes: whole(16, "of text at most"),
  engines: engineCount(),
  out: folder("word-counts", "where the counts and the plot go"),
};

/** Portions of files for each engine, so that none waits long for the last one. */
const PORTIONS_PER_ENGINE = 4;

type Counts = Map<string, number>;

interface TextFile {
  readonly path: string;
  readonly bytes: number;
}

async function findFiles(root: string, endings: readonly string[], bytesMax: number): Promise<TextFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new Error(`--folder must be a folder that can be read, and ${root} is none`, { cause: error });
  });
  const paths = entries
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map(({ parentPath, name }) => join(parentPath, name));
  const found: TextFile[] = [];
  let bytes = 0;
  for (const path of paths.toSorted()) {
    const { size } = await stat(path);
    if (size === 0 || bytes + size > bytesMax) continue;
    bytes += size;
    found.push({ path, bytes: size });
  }
  if (found.length === 0) throw new Error(`there is no file with the ending ${endings.join(" or ")} in ${root}: name another --folder or other --endings`);
  return found;
}

/** Deals files out, the largest first, always to the portion that has least. */
function portionsOf(files: readonly TextFile[], portions: number): string[][] {
  const dealt = Array.from({ length: Math.min(portions, files.length) }, () => ({ bytes: 0, paths: [] as string[] }));
  for (const { path, bytes } of files.toSorted((a, b) => b.bytes - a.bytes)) {
    const least = dealt.reduce((best, one) => (one.bytes < best.bytes ? one : best));
    least.bytes += bytes;
    least.paths.push(path);
  }
  return dealt.map(({ paths }) => paths);
}

const partName = (index: number): string => `part-${String(index).padStart(2, "0")}`;

/** A job for each portion: its list of files goes in, its table of counts comes out. */
async function countByShell(rc: Client, portions: readonly string[][], out: string): Promise<Counts> {
  await Promise.all(portions.map((paths, i) => writeFile(join(out, `${partName(i)}.list`), paths.map((path) => `${path}\0`).join(""))));
  const jobs = portions.map((_, i): Job => ({
    cmd: "xargs -0 grep -ohaE '[A-Za-z]+' | tr A-Z a-z | sort | uniq -c",
    cd: out,
    stdin: `${partName(i)}.list`,
    out: `${partName(i)}.txt`,
    err: `${partName(i)}.err`,
    env: { LC_ALL: "C" },
  }));
  const bakapara = new Bakapara(rc);
  bakapara.run(jobs);
  await bakapara.status();
  const failed = jobs.find(({ result }) => result?.code !== 0);
  if (failed !== undefined) throw new Error(`a shell job failed: ${JSON.stringify(failed)}`);
  const tables = await Promise.all(jobs.map(async (job) => readFile(join(out, String(job.out)), "latin1")));
  return sumOf(
    tables.map(
      (table) =>
        new Map(
          table
            .trimEnd()
            .split("\n")
            .map((line) => parseLine(line)),
        ),
    ),
  );
}

/** A line of `uniq -c`. */
function parseLine(line: string): [word: string, times: number] {
  const [times = "", word = ""] = line.trim().split(" ");
  return [word, Number(times)];
}

/** Counts the words of some files; the same words that `grep` finds, for a byte is a character in Latin 1. */
async function countWords(paths: readonly string[]): Promise<Counts> {
  const counts: Counts = new Map();
  for (const path of paths) {
    for (const [word] of (await readFile(path, "latin1")).matchAll(/[A-Za-z]+/g)) {
      const key = word.toLowerCase();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

function sumOf(tables: readonly Counts[]): Counts {
  const sum: Counts = new Map();
  for (const table of tables) for (const [word, times] of table) sum.set(word, (sum.get(word) ?? 0) + times);
  return sum;
}

async function draw(out: string, ranked: readonly (readonly [word: string, times: number])[]): Promise<string> {
  const points = ranked.map(([word, times], i) => ({ word, times, rank: i + 1 }));
  const [first] = points;
  // Thousands of dots lie upon one another at the far end: fewer and fewer are drawn.
  const drawn = points.filter(({ rank }) => rank <= 50 || rank % Math.ceil(rank / 50) === 0);
  return plotInto(join(out, "words.svg"), {
    title: `Words by rank; “${first?.word}” is the most frequent one`,
    x: { type: "log", label: "rank", grid: true },
    y: { type: "log", label: "times", grid: true },
    marks: [
      Plot.line(
        [1, points.length].map((rank) => ({ rank, times: (first?.times ?? 1) / rank })),
        { x: "rank", y: "times", stroke: "gray", strokeDasharray: "4 3", clip: true },
      ),
      Plot.dot(drawn, { x: "rank", y: "times", r: 2, fill: "steelblue" }),
      Plot.text(
        points.filter(({ rank }) => [1, 2, 4, 8, 20, 60, 200, 600, 2000, 6000].includes(rank)),
        { x: "rank", y: "times", text: "word", dy: -9, dx: 4, textAnchor: "start", fontSize: 11 },
      ),
    ],
  });
}

async function main(signal: AbortSignal): Promise<void> {
  const { folder: root, endings, megabytes, engines, out } = readOptions(OPTIONS);
  const files = await findFiles(root, endings.split(","), megabytes * 1e6);
  await makeFolder(out);
  await using cluster = await Cluster.start({ n: engines, private: true, signal });
  signal.addEventListener("abort", () => void cluster.stop());
  const rc = await cluster.connect();
  const portions = portionsOf(files, engines * PORTIONS_PER_ENGINE);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  console.log(`${count(files.length)} files, ${(bytes / 1e6).toFixed(1)} MB, in ${portions.length} portions, on ${engines} engines`);

  const shell = await timed(() => countByShell(rc, portions, out));
  console.log(`by shell jobs: ${seconds(shell.ms)}`);
  const view = rc.loadBalancedView().with({ chunkSize: 1 });
  const mapped = await timed(async () => sumOf(await view.map(countWords, portions)));
  console.log(`by a function: ${seconds(mapped.ms)}`);
  const serial = await timed(() => countWords(files.map(({ path }) => path)));
  console.log(`  one after the other: ${seconds(serial.ms)}; speed-up ${(serial.ms / mapped.ms).toFixed(2)}`);

  for (const [word, times] of serial.value) {
    if (shell.value.get(word) !== times) throw new Error(`the shell jobs counted ${word} ${shell.value.get(word) ?? 0} times instead of ${times}`);
    if (mapped.value.get(word) !== times) throw new Error(`the engines counted ${word} ${mapped.value.get(word) ?? 0} times instead of ${times}`);
  }
  if (shell.value.size !== serial.value.size || mapped.value.size !== serial.value.size) throw new Error("words were found that are not there");

  const ranked = [...serial.value].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const words = ranked.reduce((sum, [, times]) => sum + times, 0);
  console.log(`${count(words)} words, ${count(ranked.length)} different ones; all three counts are the same`);
  const top = ranked.slice(0, 8).map(([word, times]) => `${word} (${count(times)})`);
  console.log(`most frequent: ${top.join(", ")}`);
  await writeFile(join(out, "words.tsv"), `${ranked.map((row) => row.join("\t")).join("\n")}\n`);
  console.log(`all counts are in ${join(out, "words.tsv")}; drawn in ${await draw(out, ranked)}`);
}

await runExample("words", main);
