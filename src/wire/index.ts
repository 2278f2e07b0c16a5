// The wire: envelope, framing, signing seam, message families and their guards. Pure. Field names of the protocol live
// here and go no further up than they must.

export * from "./code-frames.ts";
export * from "./connection-info.ts";
export * from "./digest-history.ts";
export * from "./error-content.ts";
export * from "./frames.ts";
export * from "./hub-messages.ts";
export * from "./iopub-messages.ts";
export * from "./kernel-messages.ts";
export * from "./message.ts";
export * from "./monitor-batch.ts";
export * from "./packed-frame.ts";
export * from "./session.ts";
export * from "./shell-messages.ts";
export * from "./signing.ts";
export * from "./task-metadata.ts";
export * from "./workload-messages.ts";
export * from "./z85.ts";
