// Objects that stand for something of this process, as clients and views do: how they look in the REPL and in console.log, one
// line that says where they stand, not their insides; and what to do instead of sending them to an engine.

/** Node's `util.inspect.custom`. */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");
/** A registered symbol: two copies of the package know each other's objects. */
const REMEDY = Symbol.for("tsparallel.of-process");

interface TextClass {
  readonly prototype: { toString(): string };
}

/** Makes `util.inspect` show what `toString` gives. */
export function showAsText(Class: TextClass): void {
  Object.defineProperty(Class.prototype, INSPECT, {
    value(this: { toString(): string }): string {
      return this.toString();
    },
  });
}

/** `showAsText`, and instances of the class are refused where they would travel, with this remedy. */
export function keepInProcess(Class: TextClass, remedy: string): void {
  showAsText(Class);
  Object.defineProperty(Class.prototype, REMEDY, { value: remedy });
}

/** What to do instead of sending `value`; `undefined` when nothing keeps it here. */
export function remedyOf(value: object): string | undefined {
  const remedy: unknown = (value as { readonly [REMEDY]?: unknown })[REMEDY];
  return typeof remedy === "string" ? remedy : undefined;
}
