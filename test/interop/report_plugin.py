"""Reports each test as one line of JSON in the file TSPARALLEL_INTEROP_REPORT, as soon as it is known.

Lines: {"collected": [name, ...]}, {"broken": name, "reason": text}, {"name", "outcome", "seconds", "reason"}.
A name is `file.py::Class::test`, with the file that TSPARALLEL_INTEROP_FILE names: pytest's own ids have no path for
installed modules. Outcomes: passed, failed, skipped, xfailed, xpassed. A test whose set-up or tear-down fails has failed.
Tests named in TSPARALLEL_INTEROP_LEFT_OUT (a JSON list) are left out.
"""

import json
import os

REPORT = open(os.environ["TSPARALLEL_INTEROP_REPORT"], "a", encoding="utf-8")
FILE = os.environ["TSPARALLEL_INTEROP_FILE"]
LEFT_OUT = set(json.loads(os.environ.get("TSPARALLEL_INTEROP_LEFT_OUT", "[]")))
pending = {}


def name_of(nodeid):
    return FILE + "".join(nodeid.partition("::")[1:])


def write(line):
    REPORT.write(json.dumps(line) + "\n")
    REPORT.flush()


def reason_of(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return crash.message
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    return str(report.longrepr) if report.longrepr else ""


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if name_of(item.nodeid) in LEFT_OUT]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish(session):
    write({"collected": [name_of(item.nodeid) for item in session.items]})


def pytest_collectreport(report):
    if report.failed:
        write({"broken": name_of(report.nodeid), "reason": reason_of(report)})


def pytest_runtest_logreport(report):
    state = pending.setdefault(report.nodeid, {"outcome": "passed", "seconds": 0.0, "reason": ""})
    state["seconds"] += report.duration
    if report.failed:
        state.update(outcome="failed", reason=f"{report.when}: {reason_of(report)}")
    elif report.skipped and state["outcome"] == "passed":
        is_expected = hasattr(report, "wasxfail")
        state.update(outcome="xfailed" if is_expected else "skipped", reason=report.wasxfail if is_expected else reason_of(report))
    elif report.when == "call" and hasattr(report, "wasxfail"):
        state.update(outcome="xpassed", reason=report.wasxfail)
    if report.when == "teardown":
        write({"name": name_of(report.nodeid), **pending.pop(report.nodeid)})
