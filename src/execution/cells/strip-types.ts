// Makes JavaScript of TypeScript, by swc. Types are blanked, so positions stay exact; only what is more than types (enum,
// namespace, parameter properties) is rewritten. Node's own stripper is not used: it warns that it is experimental, and
// does not tell as data where the text is wrong.

/** Why TypeScript could not be read. */
export class TypeSyntaxError extends SyntaxError {
  /** From 1; 0 when unknown. */
  readonly line: number;
  /** From 0. */
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = "SyntaxError";
    this.line = line;
    this.column = column;
  }
}

type Strip = (code: string, options: { mode: "strip" | "transform" }) => string;

let loaded: Promise<Strip> | undefined;

/**
 * Strips the types of a cell.
 *
 * @throws TypeSyntaxError
 */
export async function stripTypes(code: string): Promise<string> {
  loaded ??= loadStrip();
  const strip = await loaded;
  try {
    return strip(code, { mode: "strip" });
  } catch (error) {
    if (!isUnsupported(error)) throw asTypeSyntaxError(error);
  }
  try {
    return strip(code, { mode: "transform" });
  } catch (error) {
    throw asTypeSyntaxError(error);
  }
}

async function loadStrip(): Promise<Strip> {
  const { default: swc } = await import("@swc/wasm-typescript");
  return (code, { mode }) =>
    swc.transformSync(code, {
      mode: mode === "strip" ? "strip-only" : "transform",
      module: true,
      transform: { verbatimModuleSyntax: true, tsEnumIsMutable: true },
    }).code ?? "";
}

interface SwcFailure {
  readonly code?: string;
  readonly message?: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

function isUnsupported(error: unknown): boolean {
  return (error as SwcFailure | null)?.code === "UnsupportedSyntax";
}

function asTypeSyntaxError(error: unknown): TypeSyntaxError {
  const { message = String(error), startLine = 0, startColumn = 0 } = (error ?? {}) as SwcFailure;
  return new TypeSyntaxError(message, startLine, startColumn);
}
