// Python and TypeScript in one cluster. TypeScript engines make the sound of bells; numpy, on Python engines of the same controller, finds their
// tones; the program, which knows them, checks what was found and draws the spectra. Engines of both kinds agree about an array they are sent.
// It needs a Python with ipyparallel and numpy.
//
//   npm run example -- mixed [--python=python3] [--bells=6] [--samples=16384] [--out=DIR]

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Cluster, Reference, type Client } from "tsparallel";
import { Plot, plotInto } from "../plots.ts";
import { count, folder, makeFolder, readOptions, runExample, seconds, tableOf, text, timed, whole } from "../program.ts";
import { RATE, ring, type Bell } from "./bell.ts";

const OPTIONS = {
  python: text(process.env["TSPARALLEL_PYTHON"] || "python3", "a Python with ipyparallel and numpy", "PATH"),
  bells: whole(6, "bells", { max: 100 }),
  samples: whole(16_384, "of the sound of each", { min: 4096, max: 65_536 }),
  out: folder("bells", "where the plot goes"),
};

const ENGINES_OF_EACH = 2;
/** A bell's tones, as multiples of the lowest. */
const MULTIPLES = [1, 2, 2.4, 3];

const bellOf = (i: number): Bell => ({ name: `bell ${i + 1}`, tones: MULTIPLES.map((multiple) => multiple * (220 + 37 * (i % 20) + i / 7)) });

/** What numpy has heard. */
interface Heard {
  readonly bell: Bell;
  readonly tones: readonly number[];
  readonly spectrum: Float64Array;
}

/** @throws Error when there is no such Python, or one without the packages */
function checkPython(python: string): void {
  const { error, status } = spawnSync(python, ["-c", "import ipyparallel, numpy"], { stdio: "ignore" });
  if (error !== undefined) throw new Error(`${python} cannot be run: name a Python that has ipyparallel and numpy by --python`);
  if (status !== 0) throw new Error(`${python} cannot import ipyparallel and numpy: ${python} -m pip install ipyparallel numpy, or name another by --python`);
}

/** Each bell rings on a TypeScript engine and is listened to on a Python engine, as soon as it has rung. */
async function ringAndListen(rc: Client, bells: readonly Bell[], samples: number): Promise<Heard[]> {
  const typescript = rc.loadBalancedView({ language: "typescript" });
  const python = rc.loadBalancedView({ language: "python" });
  await rc.directView({ language: "python" }).run(fileURLToPath(new URL("listen.py", import.meta.url)));
  const listen = new Reference("listen");
  return Promise.all(
    bells.map(async (bell, i) => {
      const sound = await typescript.apply(ring, bell, samples, i + 1);
      const [tones, spectrum] = (await python.call(listen, sound, RATE, bell.tones.length)) as [number[], Float64Array];
      return { bell, tones, spectrum };
    }),
  );
}

/** Sends one array to all engines, and asks both kinds for its mean square. */
async function compareEngines(rc: Client, samples: number): Promise<string> {
  await rc.directView("all").push({ sound: ring(bellOf(0), samples, 1) });
  const theirs = await rc.directView({ language: "python" }).pull<number>("float((sound ** 2).mean())");
  const ours = await rc.directView({ language: "typescript" }).pull<number>("sound.reduce((sum, x) => sum + x * x, 0) / sound.length");
  const [first = Number.NaN] = ours;
  // They add in another order, so the last digits may differ.
  if (![...ours, ...theirs].every((value) => Math.abs(value / first - 1) < 1e-12)) throw new Error(`engines do not agree: ${[...ours, ...theirs].join(", ")}`);
  return first.toFixed(9);
}

async function draw(out: string, heard: readonly Heard[], samples: number): Promise<string> {
  const shown = heard.slice(0, 4);
  const hertz = RATE / samples;
  const highest = 1.15 * Math.max(...shown.flatMap(({ bell }) => bell.tones));
  // The loudest of a few neighbours stands for them.
  const width = Math.max(1, Math.round(highest / hertz / 500));
  const lines = shown.flatMap(({ bell, spectrum }) =>
    Array.from({ length: Math.floor(highest / hertz / width) }, (_, k) => ({
      bell: bell.name,
      tone: k * width * hertz,
      decibels: Math.max(...spectrum.subarray(k * width, (k + 1) * width)),
    })),
  );
  const tones = shown.flatMap(({ bell, tones: found }) => found.map((tone) => ({ bell: bell.name, tone })));
  return plotInto(join(out, "spectra.svg"), {
    title: "Bells rung by TypeScript engines, and the tones that numpy has found",
    width: 900,
    height: 90 + 90 * shown.length,
    marginRight: 60,
    x: { label: "hertz", domain: [0, highest], grid: true },
    y: { label: "decibels", domain: [-80, 8], ticks: 4 },
    fy: { label: null },
    marks: [
      Plot.lineY(lines, { x: "tone", y: "decibels", fy: "bell", stroke: "steelblue", clip: true }),
      Plot.ruleX(tones, { x: "tone", fy: "bell", stroke: "#e15759", strokeDasharray: "3 3" }),
      Plot.text(tones, { x: "tone", y: 2, fy: "bell", text: ({ tone }: { tone: number }) => tone.toFixed(0), fill: "#e15759", dx: 4, textAnchor: "start" }),
      Plot.frame({ stroke: "#bbb" }),
    ],
  });
}

async function main(signal: AbortSignal): Promise<void> {
  const { python, bells: n, samples, out } = readOptions(OPTIONS);
  checkPython(python);
  await makeFolder(out);
  await using cluster = await Cluster.start({
    n: ENGINES_OF_EACH,
    python: { n: ENGINES_OF_EACH, executable: python },
    private: true,
    signal,
  });
  signal.addEventListener("abort", () => void cluster.stop());
  const rc = await cluster.connect();
  const engines = [...rc.engines.values()].map(({ id, properties }) => `${id} ${properties["language"] === "typescript" ? "typescript" : "python"}`);
  console.log(`engines: ${engines.join(", ")}`);

  const bells = Array.from({ length: n }, (_, i) => bellOf(i));
  const { value: heard, ms } = await timed(() => ringAndListen(rc, bells, samples));
  console.log(`${n} bells of ${count(samples)} samples rung and heard: ${seconds(ms)}\n`);
  const resolution = RATE / samples;
  const list = (tones: readonly number[]): string => tones.map((tone) => tone.toFixed(1)).join(" ");
  console.log(tableOf([["bell", "rung (Hz)", "heard (Hz)"], ...heard.map(({ bell, tones }) => [bell.name, list(bell.tones), list(tones)])]));
  const wrong = heard.find(({ bell, tones }) => tones.length !== bell.tones.length || tones.some((tone, k) => Math.abs(tone - bell.tones[k]!) > resolution));
  if (wrong !== undefined) throw new Error(`${wrong.bell.name} was not heard as it was rung`);
  console.log(
    `\nall tones were heard, to ${resolution.toFixed(2)} Hz; engines of both languages agree that the mean square of the first is ${await compareEngines(rc, samples)}`,
  );
  console.log(`drawn in ${await draw(out, heard, samples)}`);
}

await runExample("mixed", main);
