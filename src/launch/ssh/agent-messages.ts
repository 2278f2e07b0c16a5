// What the launcher and its agent on a host say to each other: one JSON object a line, the agent's behind a mark, since the
// login of a host may print what it likes. Types only: the agent travels as one file.

/** A process, told apart from a later one with the same id. */
export interface RemoteProcess {
  readonly pid: number;
  /** When it started, as an opaque text of that host. */
  readonly started: string;
}

/** A place to connect to. */
export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

/** A process to start. */
export interface RemoteStart {
  readonly index: number;
  /** Program and arguments; an empty program is the package's own, found by `find`. */
  readonly command: readonly string[];
  readonly env: { readonly [name: string]: string };
}

/** Requests with their answers, by name. */
export interface AgentCalls {
  /** Finds what the start will need; nothing is changed. */
  readonly check: {
    readonly asks: {
      /** The package's program, as it lies on the launcher's machine. */
      readonly script: string;
      /** Command of that program on the host's search path. */
      readonly program: string;
      /** Tried in this order. */
      readonly targets: readonly TcpTarget[];
      readonly connectMs: number;
      /** A profile's directory on the launcher's machine. */
      readonly profileDir: string;
    };
    readonly answers: {
      /** Whether the profile's directory is there too: the home is shared. */
      readonly hasProfile: boolean;
      /** Where the package's program lies; empty: nowhere. */
      readonly script: string;
      readonly version: string;
      /** Index of the first target that accepted; -1: none. */
      readonly reached: number;
      /** Why each of those before it did not. */
      readonly refusals: readonly string[];
      readonly nowMs: number;
    };
  };
  readonly start: {
    readonly asks: {
      readonly processes: readonly RemoteStart[];
      /** The package's program, for commands that begin with an empty text. */
      readonly script: string;
      /** Set as `IPP_PROFILE_DIR` where it exists. */
      readonly profileDir: string;
      readonly graceMs: number;
      /** After so long without a word from the launcher everything is stopped. */
      readonly contactMs: number;
    };
    readonly answers: { readonly processes: readonly ({ readonly index: number; readonly failure: string } | (RemoteProcess & { readonly index: number }))[] };
  };
  /** Removes files, where they are. */
  readonly remove: { readonly asks: { readonly paths: readonly string[] }; readonly answers: Record<string, never> };
  /** To everything started here. */
  readonly signal: { readonly asks: { readonly signal: string }; readonly answers: Record<string, never> };
  /** Stops everything started here; the agent ends after its answer. */
  readonly stop: { readonly asks: { readonly graceMs: number }; readonly answers: { readonly left: readonly number[] } };
  /** Which of these processes, started through an earlier agent, live. */
  readonly find: { readonly asks: { readonly processes: readonly RemoteProcess[] }; readonly answers: { readonly alive: readonly number[] } };
  readonly signalOthers: {
    readonly asks: { readonly processes: readonly RemoteProcess[]; readonly signal: string };
    readonly answers: Record<string, never>;
  };
  /** Ends an earlier agent with all it started. */
  readonly stopOthers: {
    readonly asks: { readonly agent: RemoteProcess; readonly processes: readonly RemoteProcess[]; readonly graceMs: number };
    readonly answers: { readonly left: readonly number[] };
  };
  /** Writes a file below the home directory, or at an absolute path. */
  readonly put: { readonly asks: { readonly path: string; readonly content: string; readonly mode: number }; readonly answers: Record<string, never> };
  /** Reads a file, waiting for it; base64. */
  readonly get: {
    readonly asks: { readonly path: string; readonly waitMs: number; readonly bytesMax: number };
    readonly answers: { readonly content: string };
  };
}

/** A request to the agent; the answer carries its number. */
export type ToAgent =
  | { readonly type: "alive" }
  /** Kills everything at once. */
  | { readonly type: "kill" }
  | { [Name in keyof AgentCalls]: { readonly type: Name; readonly id: number } & AgentCalls[Name]["asks"] }[keyof AgentCalls];

/** What an agent says by itself, and answers. */
export type FromAgent =
  | ({ readonly type: "hello"; readonly host: string; readonly home: string; readonly from: string } & RemoteProcess)
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "refusal"; readonly id: number; readonly why: string }
  | { readonly type: "output"; readonly index: number; readonly text: string }
  | { readonly type: "ended"; readonly index: number; readonly exitCode: number | null; readonly signal: string | null };
