// Where running code finds the program that runs it: small, because it is loaded on its own by user code and side threads.

export { cancelExpression, installHost, interruptExpression, requireHost, RUN_EXPRESSION, type CurrentTask, type DisplayChoice } from "./host.ts";
export { html, image, json, latex, markdown, svg, type Displayable } from "./displayables.ts";
export { clearOutput, display, input, password } from "./user-functions.ts";
