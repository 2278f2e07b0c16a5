// How code of the user is run: cells and functions in the namespace of this process's main context, contained so that they
// can be stopped and nothing else with them, with what they write and display. Who asks for it, and over which sockets, is
// the business of the rooms above: an engine of a cluster, and a kernel of a notebook.

export { CellRunner, type CellHooks } from "./cells/cell-runner.ts";
export { checkCell, namesOfCell, positionOfSyntaxError, type CompiledCell } from "./cells/compile-cell.ts";
export { inspectText, mimeBundle } from "./cells/mime.ts";
export { beginCell, prepareCell } from "./cells/run-cell.ts";
export { Containment, type ContainedEnd } from "./containment.ts";
export { cancelledFailure, failureOf, interruptedFailure, limitFailure, shownStack } from "./failure.ts";
export { clearOutput, display, input, installHost, password, type DisplayChoice } from "./host/index.ts";
export { Namespace, ownCodePaths, ownModule } from "./namespace.ts";
export { failed, interrupted, isThenable, type RunHooks, type RunOutcome } from "./outcome.ts";
export { OutputCapture } from "./output-capture.ts";
export { hideLoaderWarning, installProcessHooks } from "./process-hooks.ts";
export { startSideThread } from "./side-thread.ts";
