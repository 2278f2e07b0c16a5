// Where running code finds the program that runs it: small, because it is loaded on its own by user code and side threads.

export { cancelExpression, findHost, installHost, interruptExpression, RUN_EXPRESSION, type CurrentTask, type ExecutionHost } from "./host.ts";
