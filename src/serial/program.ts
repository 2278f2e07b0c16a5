// In which order an engine brings specials to life. Functions exist at once and are bound late, so any cycle is fine;
// a class exists only when its text was evaluated, which may need other classes and functions whole. The program says
// so: bind what a class needs, evaluate it, and at the end bind and fill all the rest.

import { SerializationError } from "../base/index.ts";
import type { Special } from "./canner.ts";
import { lazyBindings, type CodeFacts } from "./code.ts";
import { Mark, type StreamWriter } from "./stream.ts";

/** Operations of the program. */
export const OP = { bindEager: 0, bindLazy: 1, build: 2, fill: 3 } as const;

interface Step {
  readonly op: number;
  readonly index: number;
  readonly value: unknown;
}

/** Writes the program for these specials. */
export function writeProgram(writer: StreamWriter, specials: readonly Special[]): void {
  const steps = new Program(specials).order();
  writer.writeUint32(steps.length);
  for (const { op, index, value } of steps) {
    writer.writeUint32(op);
    writer.writeUint32(index);
    if (op !== OP.build) writer.writeValue(value);
  }
}

class Program {
  readonly #specials: readonly Special[];
  readonly #steps: Step[] = [];
  readonly #begun = new Set<number>();
  readonly #built = new Set<number>();
  readonly #done = new Set<number>();

  constructor(specials: readonly Special[]) {
    this.#specials = specials;
  }

  order(): Step[] {
    const specials = this.#specials;
    for (let i = 0; i < specials.length; i += 1) if (isClass(specials[i] as Special)) this.#build(i);
    for (let i = 0; i < specials.length; i += 1) this.#finish(i);
    return this.#steps;
  }

  /** Everything that evaluating class `index` needs, then the class. */
  #build(index: number): void {
    if (this.#begun.has(index)) return;
    this.#begun.add(index);
    const special = this.#specials[index] as Special;
    const facts = (special.code as NonNullable<Special["code"]>).code.facts;
    if (facts.eager.length > 0) {
      const values = facts.eager.map((i) => special.values[i]);
      this.#need(values, facts);
      this.#steps.push({ op: OP.bindEager, index, value: values });
    }
    this.#steps.push({ op: OP.build, index, value: undefined });
    this.#built.add(index);
  }

  /** Makes sure that all specials inside `value` are whole before something is evaluated. */
  #need(value: unknown, facts: CodeFacts): void {
    for (const index of marksIn(value)) {
      const special = this.#specials[index] as Special;
      if (isClass(special)) {
        this.#build(index);
        if (!this.#built.has(index)) throw circular(facts.name);
      } else if (!this.#begun.has(index)) {
        this.#begun.add(index);
        if (special.fact?.[0] === "instance" || special.fact?.[0] === "error") this.#needClass(special.fact[1], special.fact[2]);
        this.#need(special.values, facts);
        this.#need(special.content, facts);
        this.#finish(index);
      }
    }
  }

  #needClass(first: string | number, second: string | number): void {
    const index = typeof first === "number" ? first : second;
    if (typeof index === "number" && index >= 0 && isClass(this.#specials[index] as Special)) this.#build(index);
  }

  #finish(index: number): void {
    if (this.#done.has(index)) return;
    this.#done.add(index);
    const special = this.#specials[index] as Special;
    if (special.code !== undefined) {
      const facts = special.code.code.facts;
      const values = facts.eager.length === 0 ? special.values : lazyBindings(facts).map((i) => special.values[i]);
      if (values.length > 0) this.#steps.push({ op: OP.bindLazy, index, value: values });
    }
    if (special.content !== undefined) this.#steps.push({ op: OP.fill, index, value: special.content });
  }
}

function isClass(special: Special): boolean {
  return special.code?.code.facts.form === "class";
}

function circular(name: string): SerializationError {
  return new SerializationError(`cannot send class "${name}": while it is being defined it needs a class that needs it in turn`, {
    path: name,
    remedy: "use the other class only inside methods",
  });
}

/** Indexes of all marks inside a value. */
function marksIn(value: unknown): Set<number> {
  const marks = new Set<number>();
  const seen = new Set<object>();
  const open: unknown[] = [value];
  while (open.length > 0) {
    const at = open.pop();
    if (typeof at !== "object" || at === null || seen.has(at)) continue;
    seen.add(at);
    if (at instanceof Mark) marks.add(at.index);
    else if (at instanceof Map) open.push(...at.keys(), ...at.values());
    else if (at instanceof Set) for (const item of at) open.push(item);
    else if (!ArrayBuffer.isView(at)) for (const item of Object.values(at)) open.push(item);
  }
  return marks;
}
