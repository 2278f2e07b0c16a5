// Functions that run only where something holds. The check travels with the function and is made on the engine; where it
// does not hold the engine declines the task, and the scheduler tries the next engine.

import { InvalidArgumentError } from "../base/index.ts";

/** A function that declines where its condition does not hold. */
export type DependentFunction<Args extends readonly unknown[], R> = (...args: Args) => Promise<R>;

/**
 * A function that runs `f` only on engines where `check(...checkArgs)` is true, for load-balanced views; others decline it. When
 * all have declined it the task waits for an engine to join, no longer than `timeoutMs`; with `targets` it fails at once
 * with ImpossibleDependency.
 *
 * @example lview.apply(dependent(render, hasGpu, 2), scene)
 */
export function dependent<Args extends readonly unknown[], R, CheckArgs extends readonly unknown[]>(
  f: (...args: Args) => R | PromiseLike<R>,
  check: (...args: CheckArgs) => boolean | PromiseLike<boolean>,
  ...checkArgs: CheckArgs
): DependentFunction<Args, R> {
  if (typeof f !== "function") throw new InvalidArgumentError(`dependent takes a function to run, and got ${typeof f}`);
  if (typeof check !== "function") throw new InvalidArgumentError(`dependent takes a function that checks the engine, and got ${typeof check}`);
  // Travels whole, and so uses nothing of this package.
  return async (...args) => {
    if ((await check(...checkArgs)) === true) return f(...args);
    throw Object.assign(new Error(`${check.name === "" ? "the check" : check.name} does not hold on this engine`), { name: "UnmetDependency" });
  };
}

/** `dependent` as a wrapper of functions: `depend(hasGpu, 2)(render)`. */
export function depend<CheckArgs extends readonly unknown[]>(
  check: (...args: CheckArgs) => boolean | PromiseLike<boolean>,
  ...checkArgs: CheckArgs
): <Args extends readonly unknown[], R>(f: (...args: Args) => R | PromiseLike<R>) => DependentFunction<Args, R> {
  return (f) => dependent(f, check, ...checkArgs);
}

/**
 * A function that runs `f` only on engines that can import these modules (specifiers, found from the engine's folder).
 *
 * @example lview.apply(require(["sharp"], thumbnail), path)
 */
function requireModules<Args extends readonly unknown[], R>(modules: string | readonly string[], f: (...args: Args) => R): DependentFunction<Args, R> {
  const specifiers = typeof modules === "string" ? [modules] : [...modules];
  if (specifiers.some((specifier) => typeof specifier !== "string" || specifier === "")) {
    throw new InvalidArgumentError("require takes the specifiers of modules, as in `import`, and then the function");
  }
  if (typeof f !== "function") throw new InvalidArgumentError(`require takes a function to run, and got ${typeof f}`);
  return async (...args) => {
    for (const specifier of specifiers) {
      try {
        await import(specifier);
      } catch (cause) {
        throw Object.assign(new Error(`this engine cannot import ${specifier}`, { cause }), { name: "UnmetDependency" });
      }
    }
    return f(...args);
  };
}

export { requireModules as require };
