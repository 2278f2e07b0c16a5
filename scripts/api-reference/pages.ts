// The pages of the API reference as Markdown: one for each topic, and an index of all names.

import { readExports } from "./declarations.ts";
import { KINDS, readEntries, type Doc, type Entry, type Member } from "./model.ts";
import { placeOf, TOPICS, type Topic } from "./topics.ts";

const NOTE = "<!-- Written by `npm run docs` from the comments in the source. -->";

/** Finds entries by name, for links. */
type Entries = ReadonlyMap<string, Entry>;

/** All pages of the package, by file name in `docs/reference/api`. */
export function apiPages(): ReadonlyMap<string, string> {
  return pagesOf(readEntries(readExports()));
}

/** The pages that tell of these entries. */
export function pagesOf(entries: readonly Entry[]): ReadonlyMap<string, string> {
  const byName: Entries = new Map(entries.map((entry) => [entry.name, entry]));
  const pages = TOPICS.map((topic) => [topic, entries.filter((entry) => placeOf(entry).topic === topic)] as const).filter(([, own]) => own.length > 0);
  const drafts = new Map([["README.md", indexPage(pages)], ...pages.map(([topic, own]) => [`${topic.page}.md`, topicPage(topic, own, byName)] as const)]);
  const anchors = new Map([...drafts].flatMap(([page, text]) => anchorsOf(text).map(([title, anchor]) => [`${page}#${title}`, anchor] as const)));
  return new Map([...drafts].map(([page, text]) => [page, withAnchors(page, text, anchors)]));
}

/** The headings of a page with their anchors as GitHub makes them: equal ones are numbered. */
function anchorsOf(text: string): (readonly [title: string, anchor: string])[] {
  const used = new Map<string, number>();
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => {
    const slug = title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-");
    const count = used.get(slug) ?? 0;
    used.set(slug, count + 1);
    return [title, count === 0 ? slug : `${slug}-${count}`];
  });
}

/** Drafts link to headings, `(page.md#Title)`: only when all pages are written it is known which anchor each has. */
function withAnchors(page: string, text: string, anchors: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\]\((\w+\.md)#([^)]+)\)/g, (_, target: string, title: string) => {
    // A member that a class has from another one has no heading of its own.
    const [owner = title] = title.split(".");
    const anchor = anchors.get(`${target}#${title}`) ?? anchors.get(`${target}#${owner}`) ?? "";
    return `](${target === page ? "" : target}#${anchor})`;
  });
}

function indexPage(pages: readonly (readonly [Topic, readonly Entry[]])[]): string {
  const sections = pages.map(([{ page, title, about }, own]) => {
    const rows = inOrder(own).map((entry) => `| [\`${entry.name}\`](${page}.md#${entry.name}) | ${entry.kind} | ${inCell(firstSentence(entry.doc.text))} |`);
    return `## [${title}](${page}.md)\n\n${withoutLinks(about)}\n\n| name | is a | meaning |\n|---|---|---|\n${rows.join("\n")}\n`;
  });
  return `# API reference

${NOTE}

Everything that the package exports. For learning, begin with [First steps](../../tutorial/first-steps.md); who comes from ipyparallel finds the names in
[the table](../migration.md). Times that are given end in \`Ms\`, those that are told are in seconds; methods that wait take \`timeoutMs\` and \`signal\`.

${sections.join("\n")}`;
}

function topicPage({ title, about }: Topic, own: readonly Entry[], byName: Entries): string {
  return `# ${title}\n\n${NOTE}\n\n${about}\n\n${inOrder(own)
    .map((entry) => entryText(entry, byName))
    .join("\n")}`;
}

/** Classes, then functions and constants, then types; each in the order of the topic's sources, and of the entry point. */
function inOrder(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || placeOf(a).position - placeOf(b).position);
}

function entryText(entry: Entry, byName: Entries): string {
  const link = linker(entry, byName);
  const mentions = entry.mentions.map((name) => link(`\`${name}\``)).join(", ");
  const members = entry.members
    .filter((member) => !(member.isConstructor && isError(entry, byName)))
    .toSorted((a, b) => Number(b.isConstructor) - Number(a.isConstructor) || Number(b.isStatic) - Number(a.isStatic));
  const parts = [
    `## ${entry.name}`,
    `From \`${entry.specifier}\`.`,
    code(entry.signature),
    docText(entry.doc, link),
    ...(entry.kind === "class" ? members.map((member) => memberText(entry.name, member, link)) : [memberTable(members, link)]),
    mentions === "" ? "" : `Types named here: ${mentions}.`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** Whether a class is an error: those are made by the library only. */
function isError(entry: Entry, byName: Entries): boolean {
  const base = / extends (\w+)/.exec(entry.signature)?.[1];
  if (base === undefined) return false;
  const found = byName.get(base);
  return base === "Error" || (found !== undefined && isError(found, byName));
}

function memberText(owner: string, member: Member, link: Link): string {
  const signatures = member.signatures.length === 0 ? [`${member.name}${member.isOptional ? "?" : ""}: ${member.type}`] : member.signatures;
  const shown = signatures.map((text) => `${member.isStatic ? "static " : ""}${text.replace(/^constructor\b/, `new ${owner}`)}`);
  return [`### ${member.isConstructor ? `new ${owner}` : `${owner}.${member.name}`}`, code(shown.join("\n")), docText(member.doc, link)]
    .filter((part) => part !== "")
    .join("\n\n");
}

function memberTable(members: readonly Member[], link: Link): string {
  if (members.length === 0) return "";
  const rows = members.map(({ name, type, signatures, isOptional, doc }) => {
    const text = signatures.length === 0 ? `${name}${isOptional ? "?" : ""}: ${type}` : signatures.join("; ");
    return `| ${codeInCell(text)} | ${inCell(docText(doc, link))} |`;
  });
  return `| member | meaning |\n|---|---|\n${rows.join("\n")}`;
}

function docText({ text, params, returns, throws, examples }: Doc, link: Link): string {
  const parts = [
    link(text),
    params.map(([name, meaning]) => `- \`${name}\`: ${link(meaning)}`).join("\n"),
    returns === "" ? "" : sentence(`Returns ${link(returns)}`),
    throws.length === 0 ? "" : sentence(`Throws ${link(withCode(throws.join("; "), link))}`),
    ...examples.map(code),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Puts bare names of classes in backticks where these make a link. */
const withCode = (text: string, link: Link): string =>
  text.replaceAll(/(?<!`)\b[A-Z]\w+\b(?!`)/g, (word) => (link(`\`${word}\``) === `\`${word}\`` ? word : `\`${word}\``));

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

type Link = (text: string) => string;

/** Turns names of other entries that stand in backticks into links: of a name alone, or of its member. */
function linker(from: Entry, byName: Entries): Link {
  return (text) =>
    text.replaceAll(/(?<!\[)`(\w+)(\.\w+)?`/g, (found, name: string, member: string | undefined) => {
      const entry = byName.get(name);
      if (entry === undefined || (entry === from && member === undefined)) return found;
      return `[${found}](${placeOf(entry).topic.page}.md#${name}${member ?? ""})`;
    });
}

const code = (text: string): string => `\`\`\`ts\n${text}\n\`\`\``;

const codeInCell = (text: string): string => `\`${text.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|")}\``;

const inCell = (text: string): string =>
  text
    .replaceAll(/\n\n(?=- )|\n\n/g, "<br>")
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll("|", "\\|");

const firstSentence = (text: string): string => /^[\s\S]*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;

const withoutLinks = (text: string): string => text.replace(/ See \[.*$/, "");
