// A Jupyter kernel for TypeScript: cells of a notebook, run by this process.

export type { CellExtension, CellVoice, TypedCell } from "./cell-extension.ts";
export { cellStack, type WrittenCell } from "./cell-stack.ts";
export { complete, type Completions, type Match } from "./completion.ts";
export { completenessOf, type Completeness } from "./completeness.ts";
export { readKernelConnection, type KernelConnection } from "./connection-file.ts";
export { Kernel, type KernelConfig, type KernelEnd } from "./kernel.ts";
export {
  HISTORY_VARIABLE,
  installKernelspec,
  jupyterDataDir,
  KERNEL_NAME,
  kernelspec,
  kernelspecDir,
  uninstallKernelspec,
  type JupyterPlaces,
  type KernelspecTarget,
} from "./kernelspec.ts";
