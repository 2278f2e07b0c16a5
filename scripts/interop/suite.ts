// Which of ipyparallel's own test files are run, and what of them is left out.

/** Files whose tests start a controller, in the order they are run. */
export const FILES: readonly string[] = [
  "test_client.py",
  "test_lbview.py",
  "test_view.py",
  "test_view_broadcast.py",
  "test_asyncresult.py",
  "test_dependency.py",
  "test_remotefunction.py",
  "test_executor.py",
  "test_joblib.py",
  "test_label.py",
  "test_magics.py",
  "test_cluster.py",
  "test_apps.py",
  "test_mpi.py",
];

/** Longest time one file may take with one controller; the longest takes a fifth of it. */
export const FILE_LIMIT_MS = 300_000;

/** Tests that are run with neither controller, with the reason. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "test_label.py::TestLabelMongoDB::test_balanced_view": "needs MongoDB as the task store",
  "test_label.py::TestLabelMongoDB::test_direct_view": "needs MongoDB as the task store",
  "test_magics.py::TestParallelMagics::test_cellpx_stream": "the suite itself skips it: ipykernel 7 keeps another order of outputs",
};

/** Completes what a user may write for a file: `client`, `test_client` or `test_client.py`. */
export function resolveFiles(words: readonly string[]): readonly string[] {
  if (words.length === 0) return FILES;
  return words.map((word) => {
    const file = `${word.startsWith("test_") ? "" : "test_"}${word.replace(/\.py$/, "")}.py`;
    if (!FILES.includes(file))
      throw new Error(`"${word}" is none of the suite's files; they are ${FILES.map((name) => name.slice("test_".length, -".py".length)).join(", ")}`);
    return file;
  });
}
