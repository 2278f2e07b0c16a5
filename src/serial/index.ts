// How functions and values travel: what others may use of this room. The rules a user can see:
//
// Values   What structured clone carries, exactly; objects without prototype arrive as plain objects; symbol keys, and
//          the class of subclasses of Date, RegExp and typed arrays, stay behind. Instances travel with their class and
//          come back as instances of the class that left; those with #private fields are refused. Views on at least
//          1024 bytes are not copied, and a view arrives with memory of its own, also when two shared some.
// Functions  By value, with what they close over, read anew at each send. What is imported from packages and builtin
//          modules goes by specifier; names that are nowhere, or only on `globalThis`, are the engine's. A class is
//          evaluated anew where it arrives the first time: static members have their first values there.
// Clients  Nothing that arrives is run: functions come back as stand-ins that can be sent again; calling one throws.

export { addCellVariable } from "./cell-variables.ts";
export { errorFacts, type ErrorFacts } from "./error-facts.ts";
export { TASK_SCRIPT_MARK } from "./builder.ts";
export {
  Keywords,
  keywords,
  NdArray,
  packPython,
  packPythonCall,
  PythonFunction,
  pythonFunction,
  PythonObject,
  unpackPythonCall,
  type NdArrayOptions,
  type NdData,
  type NumberArray,
  type PythonCallable,
  type PythonObjectParts,
  type PythonOrigin,
  type UnpackedPythonCall,
} from "./python/index.ts";
export { packCall, packValue } from "./pack.ts";
export { isPickle } from "./payload.ts";
export { Reference, importable, named, type Callable } from "./records.ts";
export type { UnpackEnv } from "./uncanner.ts";
export { noteCode, prepareCall, unpackCall, unpackCallNow, unpackValue, unpackValues, type FetchCode, type UnpackedCall } from "./unpack.ts";
