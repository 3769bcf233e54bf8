# SPDX-License-Identifier: Apache-2.0
"""Accepted for programs that call them: onnxrun logs nothing and reports to nobody."""
from __future__ import annotations

from onnxrun._options import whole


def set_default_logger_severity(severity: int) -> None:
    """Checks that the severity is one, 0 (verbose) to 4 (fatal)."""
    whole("the severity", severity, 4)


def set_default_logger_verbosity(verbosity: int) -> None:
    """Without effect."""
    whole("the verbosity", verbosity, 2**31 - 1)


def enable_telemetry_events() -> None:
    """Without effect: there is none."""


def disable_telemetry_events() -> None:
    """Without effect: there is none."""
