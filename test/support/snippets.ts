// Takes the code blocks out of a Markdown page, so that tests run what the documents show.

/** A fenced block: its language tag and its text. */
export interface Snippet {
  readonly language: string;
  readonly code: string;
}

/** All fenced blocks of a page, in order. */
export function snippetsOf(markdown: string): Snippet[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({ language, code }));
}

/** What the page promises to be printed: the comment behind each `console.log(…);`. A colon ends the promise and begins a remark. */
export function promisesOf(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\);? \/\/ (.*)$/gm)].map(([, text = ""]) => (text.split(/: |; /)[0] ?? "").trim());
}
