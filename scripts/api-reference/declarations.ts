// The declarations of the package's entry points, as users' editors see them: each source file that an entry point
// re-exports is reduced to its declarations in memory, so that nothing has to be built, and `@internal` is left out.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ModuleKind, ModuleResolutionKind, Project, ScriptTarget, ts, type ExportedDeclarations, type SourceFile } from "ts-morph";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** One name that an entry point exports, with its declarations: several for overloads. */
export interface ExportedName {
  readonly name: string;
  /** `tsparallel/bakapara` */
  readonly specifier: string;
  /** `src/client/client.ts` */
  readonly file: string;
  readonly declarations: readonly ExportedDeclarations[];
}

interface PackageFile {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

/** Specifier and source file of each entry point in `package.json`. */
export function entryPoints(): readonly (readonly [specifier: string, file: string])[] {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as PackageFile;
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === "string" ? [] : [[join(name, path), target.types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts")] as const],
  );
}

/** Everything that the entry points export, in the order of `package.json` and then of the entry points' own text. */
export function readExports(): ExportedName[] {
  const reader = new Reader();
  return entryPoints().flatMap(([specifier, file]) => {
    const source = reader.load(file);
    return [...source.getExportedDeclarations()].map(([name, declarations]) => {
      const [first] = declarations;
      if (first === undefined) throw new Error(`${specifier} exports ${name}, whose declaration was not found`);
      return {
        name,
        specifier,
        file: first
          .getSourceFile()
          .getFilePath()
          .slice(1)
          .replace(/\.d\.ts$/, ".ts"),
        declarations,
      };
    });
  });
}

/** Loads declaration files, and with each those that it re-exports. */
class Reader {
  readonly #project: Project = new Project({
    useInMemoryFileSystem: true,
    compilerOptions: {
      target: ScriptTarget.ESNext,
      module: ModuleKind.NodeNext,
      moduleResolution: ModuleResolutionKind.NodeNext,
      allowImportingTsExtensions: true,
      noEmit: true,
      noLib: true,
      types: [],
    },
  });

  load(file: string): SourceFile {
    const path = `/${file.replace(/\.ts$/, ".d.ts")}`;
    const known = this.#project.getSourceFile(path);
    if (known !== undefined) return known;
    const source = this.#project.createSourceFile(path, declarationsOf(file));
    for (const declaration of source.getExportDeclarations()) {
      const target = declaration.getModuleSpecifierValue();
      if (target !== undefined) this.load(join(dirname(file), target));
    }
    return source;
  }
}

function declarationsOf(file: string): string {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(readFileSync(join(ROOT, file), "utf8"), {
    fileName: file,
    compilerOptions: { isolatedDeclarations: true, stripInternal: true, target: ScriptTarget.ESNext, module: ModuleKind.NodeNext },
  });
  const [first] = diagnostics;
  if (first !== undefined) throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`);
  return outputText;
}
