// The graph of tasks, and when each ran on which engine, as drawings.

import { join } from "node:path";
import { Plot, plotInto } from "../plots.ts";

/** A task that has run. */
export interface DoneTask {
  readonly name: string;
  readonly after: readonly string[];
  readonly follow: string | undefined;
  readonly engine: number;
  /** Since the first task began. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Characters that find room in a bar, by its share of the whole width. */
const CHARS_IN_WIDTH = 130;

const engineScale = (tasks: readonly DoneTask[]): Plot.ScaleOptions => ({
  type: "categorical",
  domain: [...new Set(tasks.map(({ engine }) => engine))].toSorted((a, b) => a - b),
  range: ["#9ecae9", "#ffbf79", "#88d27a", "#f2cf5b", "#83bcb6", "#ff9d98", "#d6a5c9", "#d8b5a5"],
});

interface Place {
  readonly x: number;
  readonly y: number;
}

interface Arrow {
  readonly from: Place;
  readonly to: Place;
  readonly stays: boolean;
}

/** The place of each task: to the right of what it waits for, in the middle of it. What nobody waits for lies below, out of the others' way. */
function placesOf(tasks: readonly DoneTask[]): Map<string, Place> {
  const places = new Map<string, Place>();
  let row = 0;
  for (const { name, after, follow } of tasks) {
    const before = after.map((other) => places.get(other)!);
    const x = Math.max(...before.map((place) => place.x));
    const y = before.reduce((sum, place) => sum + place.y, 0) / before.length;
    if (before.length === 0) places.set(name, { x: 0, y: row++ });
    else if (follow === undefined) places.set(name, { x: x + 1, y });
    else if (tasks.some((other) => other.after.includes(name))) places.set(name, { x: x + 1, y });
    else places.set(name, { x: x - 0.5, y: y + 0.5 });
  }
  return places;
}

/** Draws the tasks and what they wait for. Arrows with full lines also stay on the engine. */
export async function drawGraph(out: string, tasks: readonly DoneTask[]): Promise<string> {
  const places = placesOf(tasks);
  const nodes = tasks.map((task) => ({ ...task, ...places.get(task.name)! }));
  const arrows = tasks.flatMap(({ name, after, follow }) =>
    after.map((other): Arrow => ({ from: places.get(other)!, to: places.get(name)!, stays: follow !== undefined })),
  );
  const ends = { x1: ({ from }: Arrow) => from.x, y1: ({ from }: Arrow) => from.y, x2: ({ to }: Arrow) => to.x, y2: ({ to }: Arrow) => to.y };
  const shape = { ...ends, inset: 26, stroke: "#555", headLength: 8 };
  const legend = [...new Set(tasks.map(({ engine }) => engine))].toSorted((a, b) => a - b).map((engine, i) => ({ engine, x: i * 0.6, y: -0.8 }));
  return plotInto(join(out, "graph.svg"), {
    title: "Tasks: full arrows stay on the engine of the task before (follow), dashed ones only wait for it (after)",
    width: 900,
    height: 80 + 70 * Math.max(...nodes.map(({ y }) => y + 1)),
    margin: 40,
    x: { axis: null },
    y: { axis: null, reverse: true },
    color: engineScale(tasks),
    marks: [
      Plot.arrow(
        arrows.filter(({ stays }) => stays),
        shape,
      ),
      Plot.arrow(
        arrows.filter(({ stays }) => !stays),
        { ...shape, strokeDasharray: "5 3" },
      ),
      Plot.dot(nodes, { x: "x", y: "y", r: 23, fill: "engine", stroke: "#555" }),
      Plot.text(nodes, { x: "x", y: "y", text: "name", lineWidth: 4, fontSize: 11 }),
      Plot.dot(legend, { x: "x", y: "y", r: 8, fill: "engine", stroke: "#555" }),
      Plot.text(legend, { x: "x", y: "y", text: ({ engine }: { engine: number }) => `engine ${engine}`, dx: 14, textAnchor: "start" }),
    ],
  });
}

/** Draws a row for each engine, and a bar for each task from its start to its end. */
export async function drawSchedule(out: string, tasks: readonly DoneTask[]): Promise<string> {
  const lastMs = Math.max(...tasks.map(({ endMs }) => endMs), 1);
  const hasRoom = ({ name, startMs, endMs }: DoneTask): boolean => ((endMs - startMs) / lastMs) * CHARS_IN_WIDTH > name.length;
  return plotInto(join(out, "schedule.svg"), {
    title: "Which engine ran what, and when",
    width: 900,
    height: 80 + 46 * new Set(tasks.map(({ engine }) => engine)).size,
    x: { label: "milliseconds since the first task began", grid: true },
    y: { label: "engine", type: "band", padding: 0.15 },
    color: engineScale(tasks),
    marks: [
      Plot.barX(tasks, { x1: "startMs", x2: "endMs", y: "engine", fill: "engine", stroke: "#555", strokeWidth: 0.7 }),
      Plot.text(tasks.filter(hasRoom), { x: (task: DoneTask) => (task.startMs + task.endMs) / 2, y: "engine", text: "name", fontSize: 10 }),
    ],
  });
}
