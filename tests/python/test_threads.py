# SPDX-License-Identifier: Apache-2.0
"""Threads, forked workers, Ctrl-C, and that nothing is lost over many calls."""
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest
from conftest import ADD, LOOP, identity, model

import onnxrun

ONES = np.ones((2, 3), np.float32)
FOREVER = {"n": 2**31 - 1, "c": True, "x": np.zeros(4, np.float32)}


def test_one_session_serves_several_threads():
    session = onnxrun.InferenceSession(model(
        "(float[n, 64] x, float[64, 64] w) => (float[n, 64] y) { y = MatMul(x, w) }"))
    w = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)

    def work(number):
        x = np.full((number % 7 + 1, 64), number, np.float32)
        expected = session.run(None, {"x": x, "w": w})[0]
        for _ in range(50):
            assert np.array_equal(session.run(None, {"x": x, "w": w})[0], expected)
        return expected[0] / max(number, 1)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(1, 25)))
    assert all(np.allclose(result, results[0], atol=1e-5) for result in results)


def test_other_threads_go_on_during_a_run():
    session = onnxrun.InferenceSession(LOOP)
    options = onnxrun.RunOptions()
    failures = []

    def run():
        try:
            session.run(None, FOREVER, options)
        except onnxrun.Fail as error:
            failures.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    begin = time.monotonic()
    counted = 0
    while time.monotonic() - begin < 0.3:
        counted += 1
    assert thread.is_alive() and counted > 10000
    options.terminate = True
    thread.join(10)
    assert not thread.is_alive() and failures[0].endswith("the run was cancelled")
    with pytest.raises(onnxrun.Fail, match="terminate is set"):
        session.run(None, FOREVER, options)
    options.terminate = False
    assert session.run(None, {**FOREVER, "n": 1}, options)[0].tolist() == [0] * 4


def test_ctrl_c_stops_a_run():
    program = ("import sys, numpy as np, onnxrun\n"
               "session = onnxrun.InferenceSession(sys.stdin.buffer.read())\n"
               "print('running', flush=True)\n"
               "try:\n"
               f"    session.run(None, {{'n': {2**31 - 1}, 'c': True, 'x': np.zeros(4, 'f')}})\n"
               "except KeyboardInterrupt:\n"
               "    y, = session.run(None, {'n': 2, 'c': True, 'x': np.ones(4, 'f')})\n"
               "    print('stopped', y[0], flush=True)\n")
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        process.stdin.write(LOOP)
        process.stdin.close()
        assert process.stdout.readline() == b"running\n"
        time.sleep(0.3)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b"stopped 4.0\n"
        assert time.monotonic() - begin < 5


def test_an_asynchronous_run_calls_back(add):
    answers = []
    done = threading.Event()

    def callback(results, user_data, error):
        answers.append((results, user_data, error))
        done.set()

    add.run_async(["s"], {"x": ONES, "y": ONES}, callback, "mine")
    assert done.wait(10)
    assert answers[0][0][0].sum() == 12 and answers[0][1:] == ("mine", "")
    done.clear()
    add.run_async(["s"], {"x": ONES}, callback, None)
    assert done.wait(10) and 'input "y" is missing' in answers[1][2]


def product(size):
    """In a worker: a product that is split over threads, if there are any."""
    session = product.session
    x = np.ones((size, 256), np.float32)
    return session.run(None, {"x": x})[0].sum()


def test_a_session_works_in_forked_workers():
    w = ", ".join(["1"] * 256 * 4)
    product.session = onnxrun.InferenceSession(model(
        f"(float[n, 256] x) => (float[n, 4] y) <float[256, 4] w = {{{w}}}> {{ y = MatMul(x, w) }}"))
    assert product(64) == 64 * 4 * 256
    with multiprocessing.get_context("fork").Pool(2) as pool:
        sums = pool.map(product, [1, 64, 512])
    assert sums == [size * 4 * 256 for size in (1, 64, 512)]
    assert product(64) == 64 * 4 * 256


def resident():
    """Bytes of memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_nothing_is_lost_over_ten_thousand_calls(add):
    strings = identity("string[n]")
    sequence = identity("seq(float[n])")
    bfloat16 = identity("bfloat16[n]")
    half = np.zeros(3, ml_dtypes.bfloat16)
    options = onnxrun.RunOptions()
    binding = add.io_binding()
    binding.bind_cpu_input("x", ONES)
    binding.bind_cpu_input("y", ONES)
    binding.bind_ortvalue_output("s", onnxrun.OrtValue.ortvalue_from_numpy(ONES.copy()))

    def calls(count):
        for _ in range(count):
            add.run(None, {"x": ONES, "y": ONES})
            strings.run(None, {"x": ["some", "words"]})
            sequence.run(None, {"x": [ONES[0], ONES[1]]})
            bfloat16.run(None, {"x": half})
            add.run([onnxrun.every("Add")], {"x": ONES, "y": ONES}, options)
            add.run_with_iobinding(binding)
            onnxrun.OrtValue.from_dlpack(binding.get_outputs()[0].to_dlpack())
            for feed in ({"x": ONES}, {"x": ONES, "y": 3}, {"x": ONES, "z": ONES},
                         {"x": ONES, "y": np.ones((2, 3))}, {"x": ONES, "y": [[1], [2, 3]]}):
                try:
                    add.run(None, feed)
                except onnxrun.Error:
                    pass

    calls(200)
    gc.collect()
    blocks, bytes_before = sys.getallocatedblocks(), resident()
    calls(10000)
    gc.collect()
    # One that each call lost would be 10,000; Python's lists of free tuples and the like may grow.
    assert sys.getallocatedblocks() - blocks < 1000
    assert resident() - bytes_before < 4 << 20


def test_sessions_are_freed():
    def make(count):
        for _ in range(count):
            session = onnxrun.InferenceSession(ADD)
            session.run(None, {"x": ONES, "y": ONES})
            try:
                onnxrun.InferenceSession(ADD[:-5])
            except onnxrun.Error:
                pass

    make(50)
    bytes_before = resident()
    make(1000)
    assert resident() - bytes_before < 4 << 20
