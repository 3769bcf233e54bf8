# SPDX-License-Identifier: Apache-2.0
"""Accepted for programs that call them: onnxrun logs nothing and reports to nobody."""
from __future__ import annotations

from onnxrun._errors import InvalidArgument


def set_default_logger_severity(severity: int) -> None:
    """Checks that the severity is one, 0 (verbose) to 4 (fatal)."""
    if not 0 <= int(severity) <= 4:
        raise InvalidArgument(f"the severity is {severity}, expected 0 to 4")


def set_default_logger_verbosity(verbosity: int) -> None:
    """Without effect."""
    int(verbosity)


def enable_telemetry_events() -> None:
    """Without effect: there is none."""


def disable_telemetry_events() -> None:
    """Without effect: there is none."""
