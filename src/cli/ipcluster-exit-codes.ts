// Exit statuses of `ipcluster`, the reference's.

/** `start`: the cluster runs already. */
export const EXIT_ALREADY_RUNNING = 10;
/** `stop`: there is nothing to stop. */
export const EXIT_ALREADY_STOPPED = 11;
/** `engines`, `wait`: there is no such cluster. */
export const EXIT_NO_CLUSTER = 12;

/** For the help. */
export const EXIT_CODES_HELP: string = `Exit status: 0 done; 1 failed; 2 wrong use; ${EXIT_ALREADY_RUNNING} already running; ${EXIT_ALREADY_STOPPED} already stopped; ${EXIT_NO_CLUSTER} no such cluster.`;
