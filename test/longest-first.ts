// The order of the test files: the longest first, so that none of them is left to run alone at the end. Where vitest has run
// them before it knows their times; in a clone that is new it would go by their sizes, and the longest are among the shortest.

import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The integration tests that take longest, by name, in this order; it need not be exact. */
const LONGEST = [
  "docs-snippets",
  "ssh-hosts",
  "ipcluster",
  "bench",
  "slurm",
  "batch-stand-ins",
  "gridengine",
  "bakapara",
  "examples-data",
  "cluster",
  "notebook-submit",
  "examples-engines",
  "examples",
  "python-controller",
  "quickstart",
];

/** Sorts as vitest does, but for the files that are known to take long. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      if (!moduleId.includes("/integration/")) return -1;
      const place = LONGEST.indexOf(basename(moduleId, ".test.ts"));
      return place < 0 ? LONGEST.length : place;
    };
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}
