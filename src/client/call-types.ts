// How calls are typed: a function, or a Reference to one on the engine, and arguments, any of which may be References.

import type { PythonFunction, Reference } from "../serial/index.ts";

/** A function to run on engines: sent with what it closes over, a Reference to one that lives there, or one of Python's by its name. */
export type RemoteCallable<Args extends readonly unknown[], R> = ((...args: Args) => R) | Reference<(...args: Args) => R> | PythonFunction<Args, R>;

/** Arguments, each as a value or as a Reference to a value on the engine. */
export type RemoteArgs<Args extends readonly unknown[]> = { [K in keyof Args]: Args[K] | Reference<Args[K]> };

/** Sequences whose elements are a function's arguments. */
export type Sequences<Args extends readonly unknown[]> = { [K in keyof Args]: Iterable<Args[K]> };

/** The items of a list, or the thing itself. */
export type ItemOf<T> = T extends readonly (infer U)[] ? U : T;
