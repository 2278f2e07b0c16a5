// Python's controller and engines under our client, and an engine of ours beside them, under Python's client too.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keywords, NdArray, pythonFunction, Reference, RemoteError, TaskAborted, TaskTimeout, type Client, type PythonObject } from "tsparallel";
import { MixedCluster, PYTHON } from "../support/python.ts";
import { until } from "../support/until.ts";

const PYTHONS = { language: "python" } as const;
const OURS = { language: "typescript" } as const;

describe.skipIf(PYTHON === undefined)("with ipyparallel's controller", () => {
  let cluster: MixedCluster;
  let rc: Client;

  beforeAll(async () => {
    // What jupyter_client chooses where orjson is installed; without it, the name stands for its other packer.
    const controllerArgs = ["--Session.packer=orjson", "--Session.unpacker=orjson"];
    cluster = await MixedCluster.start({ controller: "python", pythons: 2, ours: 1, controllerArgs });
    rc = await cluster.connect();
  });

  afterAll(async () => {
    await cluster.stop();
  });

  describe("our client on Python engines", () => {
    it("knows the engines, and what they run though the controller does not tell", () => {
      expect(rc.ids).toEqual([0, 1, 2]);
      expect([rc.directView(PYTHONS).length, rc.directView(OURS).length, rc.loadBalancedView(PYTHONS).length]).toEqual([2, 1, 2]);
    });

    it("runs code, with its output, value and error", async () => {
      const id = rc.directView(PYTHONS).targets[0] as number;
      const view = rc.directView(id);
      const reply = await view.execute("print('hello'); 6 * 7", { silent: false });
      expect(String(reply)).toBe(`Out[${id}:1] 42`);
      const result = view.execute("import sys; print('out'); print('err', file=sys.stderr)");
      await result;
      expect([result.stdout, result.stderr]).toEqual(["out\n", "err\n"]);
      await expect(view.execute("1/0")).rejects.toMatchObject({ ename: "ZeroDivisionError" });
    });

    it("pushes and pulls plain values and arrays, type, shape and order kept", async () => {
      const view = rc.directView(PYTHONS);
      const values = {
        n: 5,
        big: 2n ** 70n,
        text: "hé",
        nothing: null,
        list: [1, [2.5, true]],
        dict: { a: { b: [null] } },
        bytes: Uint8Array.of(1, 2, 3),
        floats: Float64Array.from({ length: 1000 }, (_, i) => i / 2),
        matrix: new NdArray(Int16Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
        fortran: new NdArray(Float32Array.of(1, 4, 2, 5, 3, 6), [2, 3], { order: "F" }),
      };
      expect(await view.push(values)).toEqual([undefined, undefined]);
      const { fortran, ...others } = values;
      expect(await view.pull(Object.keys(others))).toEqual([Object.values(others), Object.values(others)]);
      const facts = [
        "str(floats.dtype)",
        "float(floats.sum())",
        "matrix.shape",
        "matrix.tolist()",
        "fortran.flags.f_contiguous",
        "fortran.tolist()",
        "type(bytes).__name__",
      ];
      const [first] = await view.pull(facts);
      expect(first).toEqual([
        "float64",
        249_750,
        [2, 3],
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        true,
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        "bytes",
      ]);
      // ipyparallel itself sends arrays in C order at the top; deeper inside they keep theirs.
      expect((await view.pull<{ deep: NdArray[] }>("{'deep': [fortran]}"))[0]?.deep[0]).toEqual(fortran);
    });

    it("scatters and gathers typed arrays", async () => {
      const view = rc.directView(PYTHONS);
      await view.scatter("part", Float64Array.of(1, 2, 3, 4, 5));
      expect(await view.pull("len(part)")).toEqual([3, 2]);
      await view.execute("part = part * 2");
      expect(await view.gather("part")).toEqual(Float64Array.of(2, 4, 6, 8, 10));
    });

    it("calls Python functions by name, with keywords and References", async () => {
      const view = rc.directView(PYTHONS);
      expect(await view.call("math.sqrt", 4)).toEqual([2, 2]);
      expect(await view.call("sorted", [1, 3, 2], keywords({ reverse: true }))).toEqual([
        [3, 2, 1],
        [3, 2, 1],
      ]);
      expect(await view.call("datetime:datetime.fromisoformat", "2026-01-02T03:04:05+00:00")).toEqual(Array(2).fill(new Date("2026-01-02T03:04:05Z")));
      expect(await view.call("numpy.sum", Float64Array.of(1, 2, 3.5))).toEqual([6.5, 6.5]);
      await view.execute("def scale(x, by=3): return x * by\nfactor = 7");
      expect(await view.call(new Reference("scale"), 2, keywords({ by: new Reference("factor") }))).toEqual([14, 14]);
      expect(await view.apply(new Reference<(x: number) => number>("scale"), 5)).toEqual([15, 15]);
      const sqrt = pythonFunction<[number], number>("math.sqrt");
      expect(await view.map(sqrt, [1, 4, 9, 16])).toEqual([1, 2, 3, 4]);
    });

    it("reads what has no counterpart as a stand-in, which can be sent back", async () => {
      const view = rc.directView(rc.directView(PYTHONS).targets.slice(0, 1));
      const [decimal] = (await view.call<PythonObject>("decimal.Decimal", "1.5")) as [PythonObject];
      expect(String(decimal)).toBe('<Python decimal.Decimal("1.5")>');
      expect(await view.call("float", decimal)).toEqual([1.5]);
    });

    it("fails with Python's error and traceback, in plain text", async () => {
      const id = rc.directView(PYTHONS).targets[0] as number;
      const error: unknown = await rc
        .directView(id)
        .call("math.sqrt", -1)
        .get()
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RemoteError);
      const failure = error as RemoteError;
      expect([failure.ename, failure.engineInfo?.engineId, failure.engineInfo?.method]).toEqual(["ValueError", id, "apply"]);
      expect(failure.traceback.join("\n")).toMatch(/Traceback.*|ValueError/s);
      expect(failure.traceback.join("\n")).not.toContain("\u001b");
    });

    it("balances load, with retries, timeout, after and follow", async () => {
      const view = rc.loadBalancedView(PYTHONS);
      expect(await view.map(pythonFunction<[number], number>("math.sqrt"), [1, 4, 9])).toEqual([1, 2, 3]);
      expect(await view.call("os.getpid")).toBeTypeOf("number");
      const first = view.call<number>("os.getpid");
      const second = view.with({ follow: [first], after: [first] }).call<number>("os.getpid");
      expect(await second).toBe(await first);
      const slow = view.call("time.sleep", 1);
      await expect(view.with({ after: [slow], timeoutMs: 200 }).call("os.getpid")).rejects.toBeInstanceOf(TaskTimeout);
      await expect(view.with({ retries: 1 }).call("math.sqrt", -1)).rejects.toMatchObject({ ename: "ValueError" });
      const items = [];
      for await (const item of view.imap(pythonFunction<[number], number>("abs"), [-1, -2, -3])) items.push(item);
      expect(items).toEqual([1, 2, 3]);
    });

    it("broadcasts, coalesced too", async () => {
      const view = rc.broadcastView({ targets: PYTHONS });
      await view.push({ shared: [1, 2] });
      expect(await view.pull("shared")).toEqual([
        [1, 2],
        [1, 2],
      ]);
      expect(await view.with({ coalescing: true }).call("len", "abc")).toEqual([3, 3]);
    });

    it("aborts what has not begun, interrupts what runs, and clears", async () => {
      const id = rc.directView(PYTHONS).targets[0] as number;
      const view = rc.directView(id);
      const running = view.execute("import time\ntime.sleep(20)");
      const waiting = view.call("os.getpid");
      await waiting.abort();
      await until(async () => Number(((await rc.queueStatus(id)) as unknown as Record<string, { queue: number }>)[String(id)]?.queue) >= 1);
      // A signal that comes before the code runs is ignored, so it is sent until it counts.
      const again = setInterval(() => void rc.sendSignal("SIGINT", id).catch(() => undefined), 500);
      try {
        await expect(running.get()).rejects.toMatchObject({ ename: "KeyboardInterrupt" });
      } finally {
        clearInterval(again);
      }
      await expect(waiting).rejects.toBeInstanceOf(TaskAborted);
      await view.push({ gone: 1 });
      await rc.clear(id);
      await expect(view.pull("gone")).rejects.toMatchObject({ ename: "NameError" });
    });

    it("asks the Hub, and reads results of a Python client", async () => {
      const ids = (await cluster.python(
        `import math\nview = rc.load_balanced_view(targets=${JSON.stringify(rc.directView(PYTHONS).targets)})\n` +
          "a = view.apply_async(math.sqrt, 16)\nb = view.apply_async(np.arange, 4.0)\nc = view.apply_async(math.sqrt, -1)\n" +
          "a.get(); b.get(); c.wait()\ntell([a.msg_ids[0], b.msg_ids[0], c.msg_ids[0]])",
      )) as [string, string, string];
      expect(await rc.getResult(ids.slice(0, 2)).get({ timeoutMs: 60_000 })).toEqual([4, Float64Array.of(0, 1, 2, 3)]);
      await expect(rc.getResult(ids[2]).get({ timeoutMs: 60_000 })).rejects.toMatchObject({ ename: "ValueError" });
      expect(await rc.hubHistory()).toEqual(expect.arrayContaining(ids));
      expect(Object.keys(await rc.queueStatus())).toEqual(["0", "1", "2", "unassigned"]);
      const records = await rc.dbQuery({ msg_id: ids[0] }, ["msg_id", "engine_uuid"]);
      expect(records.map((record) => record.msg_id)).toEqual([ids[0]]);
    });

    it("has its results read by a Python client", async () => {
      const result = rc.loadBalancedView(PYTHONS).call("numpy.arange", 3);
      await result;
      expect(await cluster.python(`tell(rc.get_result(${JSON.stringify(result.msgIds[0])}, block=True).get().tolist())`)).toEqual([0, 1, 2]);
    });
  });

  describe("our engine", () => {
    it("runs TypeScript functions of our client", async () => {
      expect(await rc.directView(OURS).apply((x: number) => x + 1, 4)).toEqual([5]);
    });

    it("runs cells of a Python client, with output, value and error", async () => {
      const id = rc.directView(OURS).targets[0] as number;
      const script = `e = rc[${id}]
ar = e.execute("const t: number = 20; console.log('printed'); t + 1", silent=False, block=True)
out = [ar.stdout, ar.execute_result["data"]["text/plain"]]
try:
    e.execute("null.x", block=True)
except ipp.RemoteError as error:
    out.append(error.ename)
tell(out)`;
      expect(await cluster.python(script)).toEqual(["printed\n", "21", "TypeError"]);
    });

    it("runs TypeScript of a Python shell's %px and %%px, with output and value", async () => {
      const id = rc.directView(OURS).targets[0] as number;
      const script = `from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output
shell = InteractiveShell.instance()
view = rc[[${id}]]
view.block = True
view.activate()
with capture_output(display=False) as seen:
    shell.run_line_magic("px", "const seven: number = 7; console.log('by px')")
    shell.run_cell_magic("px", "", "type N = number;\\nconst more: N = seven * 6;\\nmore")
tell(seen.stdout)`;
      const seen = await cluster.python(script);
      expect(seen).toContain("by px");
      expect(seen).toMatch(/Out\[\d+:\d+\]:.*42/);
    });

    it("keeps what a Python client pushes, and gives it back: values and arrays", async () => {
      const id = rc.directView(OURS).targets[0] as number;
      const script = `e = rc[${id}]
e.push(dict(n=5, text="hé", items=[1, 2.5, None], table={"a": [True]}, raw=b"abc", big=2**70, v=np.arange(1000, dtype="f8"), m=np.arange(6, dtype="i4").reshape(2, 3)), block=True)
back = e.pull(["n", "text", "items", "table", "raw", "big", "v", "m"], block=True)
assert back[:6] == [5, "hé", [1, 2.5, None], {"a": [True]}, b"abc", 2**70], back
assert back[6].dtype == np.float64 and (back[6] == np.arange(1000)).all()
assert back[7].shape == (2, 3) and back[7].dtype == np.int32 and back[7].tolist() == [[0, 1, 2], [3, 4, 5]]
e["dotted"] = {"x": 1}
e.push({"dotted.y": 2}, block=True)
e.scatter("part", list(range(4)), block=True)
tell([e.pull("v.length + m.shape[0]", block=True), e["dotted"], e.gather("part", block=True), e.apply_sync(ipp.Reference("(x) => x * n"), 3)])`;
      expect(await cluster.python(script)).toEqual([1002, { x: 1, y: 2 }, [0, 1, 2, 3], 15]);
    });

    it("refuses a Python client's functions in one sentence, and is aborted, cleared and interrupted by it", async () => {
      const id = rc.directView(OURS).targets[0] as number;
      const script = `import time
e = rc[${id}]
out = []
for call in (lambda: e.apply_sync(lambda x: x, 1), lambda: e.apply_sync(np.sum, [1]), lambda: e.pull("gone", block=True)):
    try:
        call()
    except ipp.RemoteError as error:
        out.append([error.ename, error.evalue])
running = e.execute("while (true) {}", block=False)
waiting = e.execute("1", block=False)
rc.abort(waiting.msg_ids[0], targets=${id}, block=True)
while not running.ready(): # a signal that comes before the cell runs interrupts nothing
    rc.send_signal("SIGINT", targets=${id}, block=True)
    running.wait(0.2)
for ar in (running, waiting):
    try:
        ar.get(timeout=20)
    except Exception as error:
        out.append(getattr(error, "ename", type(error).__name__))
e.push({"kept": 1}, block=True)
rc.clear(targets=${id}, block=True)
out.append(e.pull("typeof kept", block=True))
tell(out)`;
      expect(await cluster.python(script)).toEqual([
        ["TypeError", expect.stringContaining("runs TypeScript and JavaScript and cannot run the Python function __main__.<lambda>")],
        ["TypeError", expect.stringContaining("cannot run the Python function numpy.sum")],
        ["ReferenceError", "gone is not defined"],
        "KeyboardInterrupt",
        "TaskAborted",
        "undefined",
      ]);
    });
  });

  it("shuts down engines of both kinds, and the controller", async () => {
    await rc.shutdown({ hub: true });
    expect(await rc.closed).toMatch(/shut down/);
  });
});
