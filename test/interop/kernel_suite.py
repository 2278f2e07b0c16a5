# jupyter_kernel_test's suite for the TypeScript kernel. Prints a line for each test, which the tests here add up.
import sys
import unittest

import jupyter_kernel_test


class TypeScriptKernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = "typescript"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("oops")'
    completion_samples = [
        {"text": "Math.sq", "matches": {"sqrt"}},
        {"text": "parseF", "matches": {"parseFloat"}},
        {"text": 'import os from "node:o', "matches": {"node:os"}},
    ]
    complete_code_samples = ["1", "const a: number = 1;", "function f(x: number) {\n  return x;\n}", "await Promise.resolve(1)", "`a\nb`", "enum A { B }"]
    incomplete_code_samples = ["function f(x: number) {", "const a =", "`a\nb", "/* c", "[1, 2,", "if (1 > 0)", "const o = { a: `${"]
    invalid_code_samples = ["const 1 = 2", "a b c", "1 +* 2", ") (", '"open']
    code_generate_error = 'throw new TypeError("no")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "const six: number = 6; six * 7 + 1", "result": "43"},
        {"code": "await Promise.resolve(44)", "result": "44"},
    ]
    code_display_data = [
        {"code": 'import { html } from "tsparallel/engine"; display(html("<b>x</b>"))', "mime": "text/html"},
        {"code": 'display({ _repr_svg_: () => "<svg/>" })', "mime": "image/svg+xml"},
        {"code": "display({ _repr_png_: () => new Uint8Array([137, 80, 78, 71]) })", "mime": "image/png"},
        {"code": 'display({ [Symbol.for("Jupyter.display")]: () => ({ "text/markdown": "*x*" }) })', "mime": "text/markdown"},
        {"code": "display({ _repr_json_: () => ({ a: 1 }) })", "mime": "application/json"},
    ]
    code_inspect_sample = "parseFloat"
    code_clear_output = "clearOutput()"
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")


class Telling(unittest.TextTestResult):
    def addSuccess(self, test):
        super().addSuccess(test)
        print("PASSED", test.id().split(".")[-1], flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print("SKIPPED", test.id().split(".")[-1], reason, flush=True)


result = unittest.TextTestRunner(resultclass=Telling, verbosity=0).run(unittest.defaultTestLoader.loadTestsFromTestCase(TypeScriptKernelTests))
sys.exit(0 if result.wasSuccessful() else 1)
