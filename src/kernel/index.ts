// A Jupyter kernel for TypeScript: cells of a notebook, run by this process.

export { readKernelConnection } from "./connection-file.ts";
export { Kernel, type KernelConfig, type KernelEnd } from "./kernel.ts";
export { installKernelspec, jupyterDataDir, kernelspec, kernelspecDir, uninstallKernelspec, type JupyterPlaces, type KernelspecTarget } from "./kernelspec.ts";
