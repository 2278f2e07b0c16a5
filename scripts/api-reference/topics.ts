// Which page of the API reference tells of which source file. A file that no topic names goes to that of its entry point,
// or of its room, so that a new export always has a place.

import type { Entry } from "./model.ts";

/** A page. */
export interface Topic {
  /** File name without ending. */
  readonly page: string;
  readonly title: string;
  /** A sentence or two above the entries. */
  readonly about: string;
  /** Source files, rooms or entry points whose exports it tells of. */
  readonly sources: readonly string[];
}

/** All pages, in reading order. */
export const TOPICS: readonly Topic[] = [
  {
    page: "cluster",
    title: "Clusters",
    about: "Starting controller and engines from a program, and what starts them. See [A cluster on this machine](../../guide/cluster.md).",
    sources: ["src/cluster/", "src/launch/"],
  },
  {
    page: "client",
    title: "The client",
    about: "A connection to a cluster: its engines, views on them, requests and records. See [Details](../../tutorial/details.md).",
    sources: [
      "src/client/client.ts",
      "src/client/connect.ts",
      "src/client/link-life.ts",
      "src/client/jobs.ts",
      "src/client/wait-for.ts",
      "src/core/client/engine",
      "src/client/",
      "src/" /* Whatever has no better place. */,
    ],
  },
  {
    page: "views",
    title: "Direct and broadcast views",
    about: "Talking to engines by name. See [Talking to engines directly](../../tutorial/direct.md).",
    sources: [
      "src/client/direct-view.ts",
      "src/client/broadcast-view.ts",
      "src/client/execute-reply.ts",
      "src/client/remote-function.ts",
      "src/core/client/targets.ts",
    ],
  },
  {
    page: "tasks",
    title: "Load-balanced views",
    about: "Leaving the choice of the engine to the scheduler. See [Balancing tasks](../../tutorial/tasks.md).",
    sources: [
      "src/client/load-balanced-view.ts",
      "src/client/imap.ts",
      "src/client/executor.ts",
      "src/client/dependency.ts",
      "src/client/functional-dependencies.ts",
      "src/core/scheduler/",
    ],
  },
  {
    page: "results",
    title: "Results",
    about: "What calls return. See [Results](../../tutorial/results.md).",
    sources: [
      "src/client/async-result.ts",
      "src/client/async-",
      "src/client/result-shape.ts",
      "src/client/metadata.ts",
      "src/client/display-outputs.ts",
      "src/client/wait-interactive.ts",
      "src/core/client/",
    ],
  },
  {
    page: "records",
    title: "Task records",
    about: "What the Hub tells of requests and queues. See [Task records](../../tutorial/task-records.md).",
    sources: ["src/client/hub-queries.ts", "src/core/hub/"],
  },
  {
    page: "functions",
    title: "Functions and values",
    about: "Stand-ins for what lives on engines, and the types by which calls infer arguments and results. See [What travels](../../guide/what-travels.md).",
    sources: ["src/serial/", "src/client/call-types.ts"],
  },
  {
    page: "python",
    title: "Python",
    about: "Calling Python's engines. See [Python](../../guide/python.md).",
    sources: ["src/serial/python/"],
  },
  {
    page: "errors",
    title: "Error classes",
    about:
      "All are made by the library; test the class or the `code`. What each code means and what to do about it: [Errors](../errors.md). Constructors are left out.",
    sources: ["src/base/"],
  },
  {
    page: "bakapara",
    title: "Shell jobs",
    about: "The entry point `tsparallel/bakapara`. See [Bakapara](../../guide/bakapara.md).",
    sources: ["src/bakapara/"],
  },
  {
    page: "engine",
    title: "On an engine",
    about: "The entry point `tsparallel/engine`: for code that runs on one.",
    sources: ["src/engine/", "src/execution/"],
  },
  {
    page: "config",
    title: "Configuration files",
    about: "The entry point `tsparallel/config`. The options themselves are in [Configuration](../configuration.md).",
    sources: ["src/config/"],
  },
];

/** Where an entry is told of. */
export interface Place {
  readonly topic: Topic;
  /** Position of its source among those of the topic: what is named first comes first. */
  readonly position: number;
}

/** The place of an entry: by the longest source that its file begins with. */
export function placeOf({ name, file }: Entry): Place {
  let best: Place | undefined;
  let length = 0;
  for (const topic of TOPICS)
    for (const [position, source] of topic.sources.entries())
      if (file.startsWith(source) && source.length > length) {
        best = { topic, position };
        ({ length } = source);
      }
  if (best === undefined) throw new Error(`no page of the API reference tells of ${file}, where ${name} is; add it to TOPICS`);
  return best;
}
