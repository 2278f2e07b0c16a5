import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

// Three projects: `unit` imports the sources (pure, quick); `types` holds the public types; `integration` runs the compiled
// package in `dist/` with real processes and sockets, after the others and three files at a time: more, and their clusters
// would take the machine's cores from each other.

/** Counting lines makes what loads or compiles many scripts several times slower; no test is about that. */
const slowness = process.argv.includes("--coverage") ? 5 : 1;

export default defineConfig({
  test: {
    dangerouslyIgnoreUnhandledErrors: false,
    sequence: { sequencer: LongestFirst },
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/**/index.ts", "src/ambient/**", "src/cli/bin/**"],
      reporter: ["text-summary", "json-summary"],
      reportOnFailure: true,
    },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{unit,contract,sim,docs}/**/*.test.ts"],
          pool: "forks",
          isolate: false,
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
          testTimeout: 20_000 * slowness,
        },
      },
      {
        test: {
          name: "types",
          include: [],
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
          typecheck: { enabled: true, only: true, checker: "tsc", include: ["test/types/**/*.test-d.ts"], tsconfig: "./test/tsconfig.json" },
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          // Above the deadline of each wait (test/support/until.ts), which tells more when it passes.
          testTimeout: 150_000,
          hookTimeout: 150_000,
          server: { deps: { external: [/\/dist\//] } },
        },
      },
    ],
  },
});
