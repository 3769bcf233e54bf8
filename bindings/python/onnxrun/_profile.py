# SPDX-License-Identifier: Apache-2.0
"""A trace of what a session did, in the format of chrome://tracing."""
from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onnxrun._errors import NoSuchFile


class Profile:
    """Events since it was made."""

    def __init__(self, prefix: str) -> None:
        self.start_ns = time.perf_counter_ns()
        self._prefix = prefix
        self._events: list[dict[str, Any]] = []

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Keeps how long the block took."""
        begin = time.perf_counter_ns()
        try:
            yield
        finally:
            self._events.append({
                "cat": "Session", "ph": "X", "name": name, "pid": os.getpid(),
                "tid": threading.get_native_id(), "ts": (begin - self.start_ns) // 1000,
                "dur": (time.perf_counter_ns() - begin) // 1000, "args": {}})

    def step(self, name: str, op_type: str, domain: str, depth: int, output: str, begin: float,
             end: float, flops: int, read_bytes: int, written_bytes: int) -> None:
        """Keeps a node, as an observer of runs."""
        self._events.append({
            "cat": "Node", "ph": "X", "name": name or output, "pid": os.getpid(),
            "tid": threading.get_native_id(), "ts": round(begin * 1e6 - self.start_ns / 1000, 3),
            "dur": round((end - begin) * 1e6, 3),
            "args": {"op_name": op_type, "domain": domain, "output": output, "depth": depth,
                     "flops": flops, "read_bytes": read_bytes, "written_bytes": written_bytes}})

    def write(self) -> str:
        """Writes the events; returns the path of the file."""
        path = self._prefix + time.strftime("%Y-%m-%d_%H-%M-%S") + ".json"
        try:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(self._events, file)
        except OSError as error:
            raise NoSuchFile(f"{path}: {error.strerror}") from error
        return path
