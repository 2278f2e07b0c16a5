// What a peer tells of a failure: its facts, before they are an error of this process.

/** Which engine failed, and in what; absent for errors made by the controller. */
export interface EngineInfo {
  /** The engine's registered identity. */
  readonly engineUuid: string;
  /** Its id; `null` when it left before it could be looked up. */
  readonly engineId: number | null;
  /** `apply` or `execute`. */
  readonly method: string;
  /** Host name of the engine, where the peer tells it. */
  readonly host?: string;
}

/** The facts of a failure as they came over the wire. */
export interface KernelFailure {
  /** Class name of the error. */
  readonly ename: string;
  /** Its message. */
  readonly evalue: string;
  /** Lines of the remote stack, the first of which says name and message. */
  readonly traceback?: readonly string[];
  /** Where it failed, as far as that is known. */
  readonly engineInfo?: EngineInfo | undefined;
}
