"""Runs a cluster of Python programs through every kind of message and writes what went over the wire as fixtures.

    python record.py FOLDER PACKER

FOLDER receives one JSON file for each step; PACKER is `json` or `orjson`. Run by `npm run golden`, which sets PYTHONPATH to `probe/` and GOLDEN_DIR to a
directory that is thrown away. A message whose bytes from the delimiter on are the same at several places is
written once, with its hops.
"""

import base64
import glob
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time

import ipyparallel as ipp
import zmq
from ipyparallel.serialize import pack_apply_message
from jupyter_client.session import Session

DELIMITER = b"<IDS|MSG>"
KEY = os.environ["IPP_SESSION_KEY"]
CLIENT_CHANNELS = ("registration", "control", "mux", "task", "iopub", "notification", "broadcast")
ENGINE_CHANNELS = ("registration", "control", "mux", "task", "iopub", "hb_ping", "hb_pong", "broadcast")
DEADLINE_S = 30


def until(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {DEADLINE_S} s: {what}")
        time.sleep(0.05)


class Programs:
    """The controller and the engines, each a process."""

    def __init__(self, profile_dir):
        self.profile_dir = profile_dir
        self.log = open(os.path.join(profile_dir, "recording.log"), "w")
        self.processes = []

    def start(self, module, *args):
        command = [sys.executable, "-m", module, f"--profile-dir={self.profile_dir}", *args]
        process = subprocess.Popen(command, stdout=self.log, stderr=self.log, start_new_session=True, cwd=self.profile_dir)
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self.log.close()


class Ports:
    """Which channel an endpoint belongs to."""

    def __init__(self, profile_dir):
        self.by_port = {}
        for role, channels in (("client", CLIENT_CHANNELS), ("engine", ENGINE_CHANNELS)):
            with open(os.path.join(profile_dir, "security", f"ipcontroller-{role}.json")) as file:
                info = json.load(file)
            self.info = info if role == "client" else self.info
            for channel in channels:
                for port in info[channel] if isinstance(info[channel], list) else [info[channel]]:
                    self.by_port[str(port)] = channel

    def channel(self, record):
        channels = {self.by_port.get(endpoint.rsplit(":", 1)[-1]) for endpoint in record["endpoints"]} - {None}
        if len(channels) < 2:
            return channels.pop() if channels else None
        # The engine's shell socket is connected to three channels: the relay's own identity tells which one it was.
        first = record["frames"][0]
        for mark, channel in ((b"mux", "mux"), (b"task", "task"), (b"sub_scheduler", "broadcast")):
            if first.startswith(mark):
                return channel
        return None


def text_or_base64(frame):
    try:
        text = frame.decode("utf8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(frame).decode()}
    return text if all(char.isprintable() or char in "\n\t" for char in text) else {"base64": base64.b64encode(frame).decode()}


def load_records(folder, ports):
    records = []
    for path in glob.glob(os.path.join(folder, "*.jsonl")):
        with open(path) as file:
            records += [json.loads(line) for line in file]
    records.sort(key=lambda record: record["time"])
    for record in records:
        record["frames"] = [base64.b64decode(frame) for frame in record["frames"]]
        record["channel"] = ports.channel(record)
    # Left out: the nanny's and the controller's links to themselves, which no other peer sees.
    inner = {("controller", "DEALER"), ("controller", "SUB")}
    return [record for record in records if record["channel"] is not None and (record["at"], record["kind"]) not in inner]


def assemble(records, start, end):
    """The messages seen between two moments, each with its hops."""
    messages = {}
    for record in records:
        if not start <= record["time"] < end:
            continue
        frames = record["frames"]
        is_message = DELIMITER in frames
        at = frames.index(DELIMITER) if is_message else len(frames) - 1
        prefix, rest = frames[:at], frames[at + 1 :] if is_message else frames[at:]
        hop = {"at": record["at"], "way": record["way"], "socket": record["kind"], "prefix": [text_or_base64(frame) for frame in prefix]}
        key = (record["channel"], tuple(rest))
        if key not in messages:
            entry = {"channel": record["channel"], "type": "", "hops": [], "frames": [text_or_base64(frame) for frame in rest]}
            entry["type"] = json.loads(rest[1])["msg_type"] if is_message else "heartbeat"
            messages[key] = entry
        if hop not in messages[key]["hops"]:
            messages[key]["hops"].append(hop)
    return list(messages.values())


def without_most_heartbeats(messages):
    """Keeps one ping and its pongs; leaves out the subscription byte that an XPUB receives."""
    pong = next((message for message in messages if message["channel"] == "hb_pong"), None)
    text = pong["frames"] if pong and any(message["type"] == "registration_request" for message in messages) else None
    return [message for message in messages if message["type"] != "heartbeat" or message["frames"] == text]


class Steps:
    """Names the stretches of time between which messages belong together."""

    def __init__(self):
        self.steps = []

    def __call__(self, name, action, settle_s=0.4):
        start = time.time()
        result = action()
        time.sleep(settle_s)
        self.steps.append((name, start, time.time()))
        return result


class Asker:
    """A peer made by hand: asks hub and engines what the Python client never asks."""

    def __init__(self, info):
        self.session = Session(key=KEY.encode(), packer=info["pack"], unpacker=info["unpack"])
        self.sockets = {}
        for channel in ("registration", "mux", "control", "task"):
            socket = self.sockets[channel] = zmq.Context.instance().socket(zmq.DEALER)
            socket.linger = 0
            socket.connect(f"{info['interface']}:{info[channel]}")

    def __call__(self, msg_type, content=None, channel="registration", ident=None, timeout_ms=5000):
        """Asks, and waits for the answer; a timeout of 0 where there is none."""
        socket = self.sockets[channel]
        self.session.send(socket, msg_type, content=content or {}, ident=ident)
        if timeout_ms > 0 and socket.poll(timeout_ms):
            socket.recv_multipart()


OUTPUT_CODE = """
import sys
from IPython.display import display, clear_output
print("to stdout")
print("to stderr", file=sys.stderr)
shown = display({"text/plain": "shown"}, raw=True, display_id="one")
shown.update({"text/plain": "shown again"}, raw=True)
clear_output()
6 * 7
"""


COMM_CODE = """
from comm import get_comm_manager

def opened(comm, message):
    comm.on_msg(lambda message: comm.send({"echo": message["content"]["data"]}))

get_comm_manager().register_target("golden-in", opened)
"""

# What the packers treat differently, each as one more field of a message's content.
ODD_CODE = r"""
import datetime, math
import numpy as np

kernel = get_ipython().kernel
utc = datetime.timezone.utc

def publish(name, value):
    content = {"data": {"text/plain": name}, "metadata": {}, "transient": {}, "value": value}
    kernel.session.send(kernel.iopub_socket, "display_data", content, parent=kernel.get_parent(), ident=b"engine.0.displaypub")

publish("time", datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=utc))
publish("whole second", datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=utc))
publish("zone", datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone(datetime.timedelta(hours=1))))
publish("bytes", b"abc\xff")
publish("nan", math.nan)
publish("infinity", math.inf)
publish("whole float", 2.0)
publish("small float", 1e-7)
publish("64 bits", 2**63 - 1)
publish("more bits", 2**70)
publish("number as key", {1: 2})
publish("set", {1})
publish("numpy", np.float64(1.5))
publish("unicode", "h\u00e9\u2028\U0001f600\x00\x7f")
publish("no unicode", "a\udc80")
"""


def fail(message):
    raise ValueError(message)


def add(a, b, scale=1):
    return (a + b) * scale


def hub_queries(step, client, ask, done):
    step("hub-queue", lambda: [client.queue_status(), client.queue_status(verbose=True), ask("queue_request", {"targets": [77], "verbose": False}), ask("queue_request", {})])
    step("hub-load", lambda: ask("load_request", {"targets": None}))
    step("hub-results", lambda: [client.result_status(done, status_only=True), ask("result_request", {"msg_ids": done, "status_only": False}), ask("result_request", {"msg_ids": ["nope"], "status_only": False})])
    step("hub-history", client.hub_history)
    record_keys = ["msg_id", "header", "submitted", "completed", "engine_uuid", "buffers", "result_buffers"]
    step("hub-db", lambda: [client.db_query({"msg_id": done[0]}), client.db_query({"msg_id": done[0]}, keys=record_keys), ask("db_request", {"query": {"msg_id": {"$weird": 1}}, "keys": None})])
    step("hub-resubmit", lambda: client.resubmit([done[1]]).get(timeout=10))
    step("hub-purge", lambda: [client.purge_hub_results([done[0]]), ask("purge_request", {"msg_ids": [], "engine_ids": [55]}), ask("resubmit_request", {"msg_ids": ["x"]})])
    step("hub-errors", lambda: [ask("sing_request"), ask("registration_request", {"uuid": client._engines[0]})])
    step("hub-dask", lambda: [ask("become_dask_request", {"scheduler_args": {"host": "127.0.0.1"}}, timeout_ms=20_000), ask("stop_distributed_request", timeout_ms=20_000)])


def engine_requests(step, client):
    view = client[0]
    view.block = True
    done = []

    def apply():
        result = view.apply_async(add, 1, 2, scale=3)
        result.get(timeout=10)
        done.append(result.msg_ids[0])

    step("mux-apply", apply)
    step("mux-apply-error", lambda: wait_for_error(view.apply_async(fail, "no")))
    step("mux-push", lambda: view.push({"a": 5}))
    step("mux-pull", lambda: view.pull("a"))
    step("mux-reference", lambda: view.apply(abs, ipp.Reference("a")))
    step("mux-large-buffer", lambda: view.apply(len, b"x" * 1200))
    step("mux-execute", lambda: view.execute(OUTPUT_CODE, silent=False), 0.8)
    step("mux-execute-silent", lambda: view.execute("b = 6"))
    step("mux-execute-error", lambda: wait_for_error(view.execute("1 / 0", silent=False, block=False)), 0.8)
    step("mux-datapub", lambda: view.execute("from ipyparallel.datapub import publish_data; publish_data({'answer': 42})"))
    step("mux-execute-aborted", lambda: stopped(view), 0.8)
    step("mux-odd-values", lambda: view.execute(ODD_CODE), 0.8)
    step("mux-comm", lambda: view.execute("from comm import create_comm; c = create_comm(target_name='golden'); c.send({'n': 1}); c.close()"))
    return done


def stopped(view):
    """A cell that fails, and one that waits behind it."""
    failing, waiting = [view.execute(code, silent=False, block=False) for code in ("import time; time.sleep(0.5); 1 / 0", "2")]
    wait_for_error(failing)
    until(waiting.ready, "the second cell is aborted")


def kernel_requests(step, client, ask):
    """What Jupyter's front ends ask any kernel, and what no kernel knows."""
    ident = client._engines[0].encode()
    asked = [
        ("kernel_info_request", {}),
        ("comm_info_request", {}),
        ("is_complete_request", {"code": "1 +"}),
        ("complete_request", {"code": "impo", "cursor_pos": 4}),
        ("inspect_request", {"code": "len", "cursor_pos": 3, "detail_level": 0}),
        ("history_request", {"output": False, "raw": True, "hist_access_type": "tail", "n": 1}),
    ]
    step("mux-kernel", lambda: [ask(msg_type, content, "mux", ident) for msg_type, content in asked])
    step("mux-unknown", lambda: ask("sing_request", {}, "mux", ident, timeout_ms=0))
    step("control-kernel", lambda: [ask(msg_type, {}, "control", ident) for msg_type in ("kernel_info_request", "interrupt_request")])
    step("control-unknown", lambda: ask("sing_request", {}, "control", ident, timeout_ms=0))
    client[0].execute(COMM_CODE, block=True)
    time.sleep(0.4)

    def comm():
        ask("comm_open", {"comm_id": "c1", "target_name": "golden-in", "data": {}}, "mux", ident, timeout_ms=0)
        ask("comm_msg", {"comm_id": "c1", "data": {"n": 1}}, "mux", ident, timeout_ms=0)
        ask("comm_close", {"comm_id": "c1", "data": {}}, "mux", ident, timeout_ms=0)

    step("mux-comm-in", comm, 0.8)
    step("task-execute", lambda: ask("execute_request", {"code": "1 + 1", "silent": True, "user_expressions": {}}, "task"))


def wait_for_error(result):
    try:
        result.get(timeout=15)
    except ipp.error.RemoteError as error:
        return error
    raise AssertionError("the request did not fail")


def task_requests(step, client, engines):
    tasks = client.load_balanced_view()

    def labelled():
        with tasks.temp_flags(retries=1, timeout=30, targets=[0, 1]):
            first = tasks.apply_async(add, 1, 2)
            first.get(timeout=10)
        with tasks.temp_flags(after=[first], follow=ipp.Dependency([first], all=False)):
            second = tasks.apply_async(add, 3, 4)
            second.get(timeout=10)
        return first.msg_ids + second.msg_ids

    ids = step("task-apply", labelled)
    step("task-error", lambda: wait_for_error(tasks.apply_async(fail, "no")))

    def impossible():
        with tasks.temp_flags(after=["nosuch"]):
            wait_for_error(tasks.apply_async(add, 1, 2))

    step("task-invalid-dependency", impossible)

    def unreachable():
        failed = tasks.apply_async(fail, "first")
        wait_for_error(failed)
        with tasks.temp_flags(after=[failed]):
            wait_for_error(tasks.apply_async(add, 1, 2))

    step("task-impossible-dependency", unreachable)

    def late():
        client[:].apply_async(time.sleep, 1.5)
        # They must have come before what follows on another channel.
        time.sleep(0.4)
        holders = [tasks.apply_async(time.sleep, 0) for _ in engines]
        with tasks.temp_flags(timeout=0.2):
            wait_for_error(tasks.apply_async(add, 1, 2))
        [holder.get(timeout=10) for holder in holders]

    step("task-timeout", late)
    return ids


def broadcast_requests(step, client):
    for name, coalescing in (("broadcast-plain", False), ("broadcast-coalescing", True)):
        view = client.broadcast_view(is_coalescing=coalescing)
        step(name, lambda view=view: view.apply_async(add, 1, 2).get(timeout=10))
    view = client.broadcast_view(is_coalescing=False)
    step("broadcast-error", lambda: wait_for_error(view.apply_async(fail, "no")))
    step("broadcast-execute", lambda: view.execute("print('one of many')", silent=False).get(timeout=10), 0.8)


def control_requests(step, client):
    def abort():
        running = client[0].apply_async(time.sleep, 1)
        waiting = client[0].apply_async(add, 1, 2)
        client.abort([waiting], targets=[0], block=True)
        running.get(timeout=10)
        until(waiting.ready, "the request is aborted")

    step("control-abort", abort)
    step("control-clear", lambda: client.clear([0], block=True))
    step("control-signal", lambda: client.send_signal(0, targets=[0], block=True))


def record(profile_dir, programs, step):
    packer = sys.argv[2]
    programs.start("ipyparallel.controller", "--ping=500", "--dictdb", "--log-level=30", f"--Session.packer={packer}", f"--Session.unpacker={packer}")
    files = [os.path.join(profile_dir, "security", f"ipcontroller-{role}.json") for role in ("client", "engine")]
    until(lambda: all(os.path.exists(path) and os.path.getsize(path) > 0 for path in files), "the connection files are there")
    time.sleep(0.5)
    ports = Ports(profile_dir)
    client = step("connection", lambda: ipp.Client(files[0], timeout=20))
    engines = []

    def register():
        for count in (1, 2):
            engines.append(programs.start("ipyparallel.engine", "--InteractiveShell.colors=nocolor", "--InteractiveShell.enable_tip=False", "--log-level=30"))
            client.wait_for_engines(count, timeout=20)

    step("registration", register, 1.2)
    ask = Asker(ports.info)
    done = engine_requests(step, client)
    done += task_requests(step, client, engines)
    broadcast_requests(step, client)
    control_requests(step, client)
    hub_queries(step, client, ask, done)
    # Behind the queries, since what they leave in the reference's counts stays there.
    kernel_requests(step, client, ask)
    unmet = client.load_balanced_view(targets=[0, 1])
    step("task-unmet", lambda: wait_for_error(unmet.apply_async(ipp.depend(bool)(add), 1, 2)))

    def killed():
        # Which a rejected task has left too high.
        before = client.queue_status(1)["tasks"]
        result = client.load_balanced_view(targets=[1]).apply_async(time.sleep, 60)
        until(lambda: client.queue_status(1)["tasks"] > before, "the task is at its engine")
        os.kill(engines[1].pid, signal.SIGKILL)
        wait_for_error(result)

    step("engine-death", killed)
    step("engine-shutdown", lambda: client.shutdown([0], block=True), 1.5)
    step("hub-shutdown", lambda: [ask("connection_request"), ask("shutdown_request")], 1)
    return ports


def main():
    target = sys.argv[1]
    os.makedirs(target, exist_ok=True)
    step = Steps()
    with tempfile.TemporaryDirectory() as profile_dir:
        programs = Programs(profile_dir)
        try:
            ports = record(profile_dir, programs, step)
        except BaseException:
            with open(os.path.join(profile_dir, "recording.log")) as log:
                sys.stderr.write(log.read()[-4000:])
            raise
        finally:
            programs.stop()
    records = load_records(os.environ["GOLDEN_DIR"], ports)
    versions = {name: importlib.metadata.version(name) for name in ("ipyparallel", "ipykernel", "jupyter_client", "pyzmq", "orjson")}
    facts = {"python": platform.python_version(), "libzmq": zmq.zmq_version(), **versions, "pack": ports.info["pack"]}
    for name, start, end in step.steps:
        messages = without_most_heartbeats(assemble(records, start, end))
        lines = ",\n".join(json.dumps(message, ensure_ascii=False) for message in messages)
        with open(os.path.join(target, f"{name}.json"), "w") as file:
            head = json.dumps({"recordedWith": facts, "key": KEY, "scheme": "hmac-sha256"}, ensure_ascii=False)
            file.write(f'{head[:-1]}, "messages": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
