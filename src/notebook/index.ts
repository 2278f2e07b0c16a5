// Running notebooks without a person: finding and starting kernels, speaking with them, keeping the notebook's file whole.

export { makeIpythonPlace, type IpythonPlace } from "./ipython-place.ts";
export { findKernel, kernelProgram, kernelSpecOf, listKernels, shownKernels, type KernelSpec } from "./kernelspecs.ts";
export { NotebookFile, readNotebook } from "./notebook-file.ts";
export { runNotebook, type NotebookJob } from "./run-notebook.ts";
