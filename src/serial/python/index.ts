// Python's payloads: pickles of plain values and numpy's arrays, in the frames that ipyparallel gives them.
//
//   Python                      TypeScript
//   None                        null (undefined becomes None)
//   bool, str                   boolean, string
//   int                         number where it is exact, else bigint; both become int
//   float                       number; a number with a whole value becomes int, as JavaScript does not tell 2 from 2.0
//   bytes, bytearray            Uint8Array (which becomes bytes)
//   list, tuple                 array; one that came as a tuple goes back as one
//   dict                        plain object where all keys are texts, else Map
//   set, frozenset              Set
//   datetime                    Date, in milliseconds; without zone: local time
//   numpy array, one dimension  typed array; Uint8Array is bytes, so NdArray for uint8
//   numpy array, all others     NdArray
//   numpy scalar                number, bigint, boolean, text
//   anything else               PythonObject, a stand-in that names it; never executed

export { NdArray, type NdArrayOptions, type NdData, type NumberArray } from "./nd-array.ts";
export { Keywords, keywords, packPythonCall, unpackPythonCall, type PythonCallable, type UnpackedPythonCall } from "./python-calls.ts";
export { PythonFunction, pythonFunction, PythonObject, type PythonObjectParts, type PythonOrigin } from "./python-object.ts";
export { packPython, unpackPython } from "./python-values.ts";
export { readPickle } from "./unpickler.ts";
export { writePickle } from "./pickler.ts";
