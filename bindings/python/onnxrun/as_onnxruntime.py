# SPDX-License-Identifier: Apache-2.0
"""Runs a program that imports onnxruntime over onnxrun, unchanged.

    python -m onnxrun.as_onnxruntime program.py ARGUMENT...
    python -m onnxrun.as_onnxruntime -m module ARGUMENT...

The same holds for the Python processes that it starts. A program may also do it itself, before it
imports anything that needs ONNX Runtime:

    import onnxrun.as_onnxruntime
    onnxrun.as_onnxruntime.install()
"""
from __future__ import annotations

import importlib.machinery
import importlib.metadata
import importlib.util
import os
import runpy
import sys
import types
from collections.abc import Iterable
from typing import Any, NoReturn

import onnxrun

# The version of ONNX Runtime whose interface this is, for programs that ask.
VERSION = "1.31.1"

_SUBMODULES = ("capi", "capi._pybind_state", "capi.onnxruntime_pybind11_state",
               "capi.onnxruntime_inference_collection")

# The folder in which other processes find a module onnxruntime.
_CHILDREN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_children")


class _Distribution(importlib.metadata.Distribution):
    """Metadata of a package onnxruntime, for programs that look whether there is one."""

    def read_text(self, filename: str) -> str | None:
        if filename == "METADATA":
            return f"Metadata-Version: 2.1\nName: onnxruntime\nVersion: {VERSION}\n"
        return None

    def locate_file(self, path: Any) -> Any:
        return path


_ANY = importlib.metadata.DistributionFinder.Context()


class _Finder(importlib.metadata.DistributionFinder):
    """Finds that package when there is no other."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        return None

    def find_distributions(
        self, context: importlib.metadata.DistributionFinder.Context = _ANY,
    ) -> Iterable[importlib.metadata.Distribution]:
        return [_Distribution()] if context.name == "onnxruntime" else []


def install() -> None:
    """From here on "import onnxruntime" gives onnxrun.

    When the real package is installed, what it has beside the engine, such as
    onnxruntime.quantization and onnxruntime.transformers, is imported from there.
    """
    elsewhere = [path for path in sys.path if path != _CHILDREN]
    real = importlib.machinery.PathFinder.find_spec("onnxruntime", elsewhere)
    top = _module("onnxruntime", is_package=True)
    top.__path__ = list(real.submodule_search_locations or ()) if real is not None else []
    top.__dict__.update(__doc__=onnxrun.__doc__, __file__=onnxrun.__file__, __version__=VERSION,
                        get_version_string=lambda: VERSION)
    for name in _SUBMODULES:
        module = _module(f"onnxruntime.{name}", is_package=name == "capi")
        parent, _, last = module.__name__.rpartition(".")
        setattr(sys.modules[parent], last, module)
    sys.meta_path.append(_Finder())


def _module(name: str, is_package: bool) -> types.ModuleType:
    """A module with the names of onnxrun, which imports find."""
    spec = importlib.machinery.ModuleSpec(name, None, is_package=is_package)
    module = importlib.util.module_from_spec(spec)
    module.__dict__.update({key: getattr(onnxrun, key) for key in onnxrun.__all__})
    sys.modules[name] = module
    return module


def main() -> NoReturn:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help") or arguments == ["-m"]:
        print((__doc__ or "").strip())
        sys.exit(0 if arguments and arguments != ["-m"] else 1)
    install()
    sys.path.insert(0, _CHILDREN)  # which multiprocessing hands on
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = _CHILDREN + (os.pathsep + inherited if inherited else "")
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        runpy.run_path(arguments[0], run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    main()
