"""Measures ipyparallel doing the same work as the benchmarks beside this file; prints one JSON object.

Usage: python ipyparallel_peer.py MEASURE
MEASURE: tasks, roundtrip, map, push, start, memory; or `beside`: keeps the cluster, tells its connection file, and
measures a round trip for each line on standard input, until its end.
The database is the SQLite one, as the benchmarks of this package keep their store on.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import ipyparallel as ipp


def nothing():
    return None


def square(x):
    return x * x


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def children_of(pid):
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    direct = [int(word) for word in out.split()]
    return direct + [grandchild for child in direct for grandchild in children_of(child)]


def start(n):
    cluster = ipp.Cluster(n=n, controller_args=["--sqlitedb"], log_level=40)
    client = cluster.start_and_connect_sync(activate=False)
    client.wait_for_engines(n)
    return cluster, client


def tasks(client):
    view = client.load_balanced_view()
    count = 2000
    view.apply_sync(nothing)
    began = time.perf_counter()
    results = [view.apply_async(nothing) for _ in range(count)]
    for result in results:
        result.get()
    return {"value": count / (time.perf_counter() - began), "unit": "tasks/s", "count": count}


def roundtrip(client):
    view = client[0]
    for _ in range(50):
        view.apply_sync(nothing)
    times = []
    for _ in range(300):
        began = time.perf_counter()
        view.apply_sync(nothing)
        times.append(time.perf_counter() - began)
    times.sort()
    return {"value": times[len(times) // 2] * 1000, "unit": "ms", "count": len(times)}


def mapping(client):
    view = client.load_balanced_view()
    count = 200_000
    view.map_sync(square, range(100), chunksize=100)
    began = time.perf_counter()
    results = view.map_sync(square, range(count), chunksize=100)
    elapsed = time.perf_counter() - began
    assert results[3] == 9 and len(results) == count
    return {"value": count / elapsed, "unit": "items/s", "count": count}


def push(client):
    import numpy

    view = client[0]
    array = numpy.arange(8_388_608, dtype="f8")
    view.push({"a": array[:10]}, block=True)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        view.push({"a": array}, block=True)
        back = view.pull("a", block=True)
        times.append(time.perf_counter() - began)
        assert back[-1] == array[-1]
    times.sort()
    return {"value": 2 * array.nbytes / times[len(times) // 2] / 1e6, "unit": "MB/s", "count": 5}


def memory(cluster, client):
    time.sleep(2)
    controller = cluster.controller.pid
    pids = [controller, *children_of(controller)]
    engines = [engine.pid for engine_set in cluster.engines.values() for engine in engine_set.launchers.values()]
    engine_pids = engines + [child for pid in engines for child in children_of(pid)]
    total = sum(resident_mb(pid) for pid in pids) + sum(resident_mb(pid) for pid in engine_pids)
    return {"value": total, "unit": "MB", "count": len(engines)}


def beside(cluster, client):
    from math import sqrt

    file = os.path.join(cluster.profile_dir, "security", f"ipcontroller-{cluster.cluster_id}-client.json")
    print(json.dumps({"file": file}), flush=True)
    view = client[0]
    for _ in sys.stdin:
        for _ in range(50):
            view.apply_sync(sqrt, 4)
        times = []
        for _ in range(300):
            began = time.perf_counter()
            view.apply_sync(sqrt, 4)
            times.append(time.perf_counter() - began)
        times.sort()
        print(json.dumps({"value": times[len(times) // 2] * 1000, "unit": "ms"}), flush=True)
    return {}


def main():
    measure = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IPYTHONDIR"] = folder
        began = time.perf_counter()
        cluster, client = start({"start": 4, "memory": 4, "beside": 1}.get(measure, 2))
        try:
            if measure == "start":
                client[:].apply_sync(nothing)
                report = {"value": time.perf_counter() - began, "unit": "s", "count": 4}
            elif measure == "beside":
                report = beside(cluster, client)
            elif measure == "memory":
                report = memory(cluster, client)
            else:
                report = {"tasks": tasks, "roundtrip": roundtrip, "map": mapping, "push": push}[measure](client)
        finally:
            client.close()
            cluster.stop_cluster_sync()
    print(json.dumps({"measure": measure, "version": ipp.__version__, **report}))


main()
