// A twin of an engine's side for the tests of this room: unpacks in this process and runs at once.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { constants, runInThisContext } from "node:vm";

import { packCall, packValue, unpackCall, unpackValue, type UnpackEnv } from "../../../src/serial/index.ts";

/** Frames as a receiver has them: memory of their own, so that shared memory cannot pass for travelling. */
export function received(frames: readonly Uint8Array[]): Uint8Array[] {
  return frames.map((frame) => new Uint8Array(frame));
}

/** The value of a text that no tool has compiled, in the main context. */
export function inMainContext(text: string): unknown {
  return runInThisContext(text, { importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }) as unknown;
}

/** An engine's environment with these named functions. */
export function engineEnv(functions: Readonly<Record<string, Function>> = {}): UnpackEnv {
  return {
    named: (name) => functions[name],
    evaluate: inMainContext,
    importModule: async (specifier, parent) => {
      const url =
        specifier.startsWith("node:") || parent === undefined
          ? specifier
          : pathToFileURL(createRequire(new URL("../../../package.json", import.meta.url)).resolve(specifier)).href;
      return (await import(/* @vite-ignore */ url)) as unknown;
    },
  };
}

/** Sends a call to the twin and gives what it returns there. */
export async function remotely(fn: unknown, ...args: readonly unknown[]): Promise<unknown> {
  const call = await unpackCall(received(packCall(fn, args)), engineEnv());
  return call.fn(...call.args);
}

/** A value after a journey to an engine. */
export function arrived(value: unknown): unknown {
  return unpackValue(received(packValue(value)), engineEnv());
}

/** A value after a journey to a client, where nothing of it is run. */
export function returned(value: unknown): unknown {
  return unpackValue(received(packValue(value)));
}
