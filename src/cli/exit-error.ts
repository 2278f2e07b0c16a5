// An end of a command with a chosen exit status.

/** Ends a command with an exit status; an empty message says nothing. */
export class ExitError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = "", options?: ErrorOptions) {
    super(message, options);
    this.name = "ExitError";
    this.exitCode = exitCode;
  }
}

/** Wrong use of the command line, by default. */
export const EXIT_USAGE = 2;
/** The command failed, by default. */
export const EXIT_FAILURE = 1;
