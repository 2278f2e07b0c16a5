// Notebooks for tests.

/** A code cell that was not run. */
export function codeCell(source: string, ...tags: string[]): Record<string, unknown> {
  return { cell_type: "code", execution_count: null, metadata: tags.length === 0 ? {} : { tags }, outputs: [], source: source.split(/(?<=\n)/) };
}

/** The text of a notebook. */
export function notebookOf(...cells: object[]): string {
  return JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 4 });
}
