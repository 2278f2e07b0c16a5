import { defineConfig } from "vitest/config";

// Two projects: `unit` imports the sources (pure, quick); `integration` runs the compiled package in `dist/` with real
// processes and sockets, one file at a time, because they share the machine's two cores with the clusters they start.
export default defineConfig({
  test: {
    dangerouslyIgnoreUnhandledErrors: false,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/**/index.ts", "src/ambient/**", "src/cli/bin/**"],
      reporter: ["text-summary", "json-summary"],
    },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{unit,contract,sim,docs}/**/*.test.ts"],
          pool: "forks",
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "types",
          include: [],
          typecheck: { enabled: true, only: true, checker: "tsc", include: ["test/types/**/*.test-d.ts"], tsconfig: "./test/tsconfig.json" },
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          server: { deps: { external: [/\/dist\//] } },
        },
      },
    ],
  },
});
