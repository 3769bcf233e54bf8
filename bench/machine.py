# SPDX-License-Identifier: Apache-2.0
"""What the machine is, what it can do, and whether it is quiet: for side_by_side.py and gate.py."""
import platform
import subprocess
import time
from pathlib import Path

ISA_FLAGS = (
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2",
)
CALIBRATION_SAMPLES = 200
FAST_SHARE = 0.9     # of the fastest canary: below it something else was running
CANARIES = 4
LONGEST_WAIT = 0.02  # share of a run that its threads may have waited for a processor


def cpu_facts():
    """Model name and the vector extensions the kernel reports, from /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), "extensions unknown"
    pairs = [line.split(":", maxsplit=1) for line in text.splitlines() if ":" in line]
    facts = {key.strip(): value.strip() for key, value in reversed(pairs)}
    flags = facts.get("flags", facts.get("Features", "")).split()
    name = facts.get("model name", platform.machine())
    if "cpu family" in facts:
        name += f" family {facts['cpu family']} model {facts['model']}"
    return name, " ".join(flag for flag in ISA_FLAGS if flag in flags)


def describe_cpu():
    return "; ".join(cpu_facts())


class Limits:
    """Keeps bench_limits running; remembers the best rates seen, which are the machine's limits."""

    def __init__(self, program, threads):
        self.process = subprocess.Popen([program, str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.best = {"flops": 0.0, "bytes": 0.0}
        self.isa = self.ask("isa")
        for _ in range(CALIBRATION_SAMPLES):
            self.rate("flops")
            self.rate("bytes")

    def ask(self, what):
        print(what, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def rate(self, what):
        """GFLOP/s or GB/s now."""
        rate = float(self.ask(what))
        self.best[what] = max(self.best[what], rate)
        return rate

    def is_fast(self):
        """Whether one of a few canaries ran at full speed: the host gives us whole processors."""
        return any(self.rate("flops") >= FAST_SHARE * self.best["flops"] for _ in range(CANARIES))

    def wait_until_fast(self, deadline):
        """Whether a canary ran at full speed before the deadline (time.monotonic)."""
        while not self.is_fast():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return time.monotonic() <= deadline

    def seconds(self, flops, size):
        """The least time that this work takes."""
        return max(flops / self.best["flops"], size / self.best["bytes"]) * 1e-9

    def close(self):
        self.process.stdin.close()
        self.process.wait()
