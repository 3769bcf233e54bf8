#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetch the ONNX backend test data out of the pinned PyPI wheel onnx==1.22.0.

The wheel is only unpacked, never installed: its folder onnx/backend/test/data becomes the folder
given with --to. Does nothing when that folder is complete. Needs pip and nothing beside the
standard library. Exit status 69 says that the wheel could not be downloaded.
"""
import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "onnx==1.22.0"
PLATFORM = "manylinux_2_27_x86_64"
PYTHON = "3.12"
SHA256 = "955e02e1f6d385b53d52f9cd7b9cdf5caf417c300bcfe3c64c6d542be763845b"
PREFIX = "onnx/backend/test/data/"
NO_NETWORK = 69
DONE = ".complete"  # written last, holds the hash of the wheel


def download(folder):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", "--platform", PLATFORM,
               "--python-version", PYTHON, "--dest", str(folder), WHEEL]
    if subprocess.run(command, check=False).returncode != 0:
        print(f"cannot download {WHEEL}", file=sys.stderr)
        raise SystemExit(NO_NETWORK)
    wheel, = folder.glob("*.whl")
    got = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if got != SHA256:
        raise SystemExit(f"{wheel.name} has SHA-256 {got}, expected {SHA256}")
    return wheel


def unpack(wheel, folder):
    """Take the test data out of the wheel; nothing is written outside the folder."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = member.removeprefix(PREFIX)
            if not member.startswith(PREFIX) or member.endswith("/") or ".." in name.split("/"):
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--to", type=Path, default=Path("build/onnx-tests"),
                        help="folder to put the data in (default: build/onnx-tests)")
    folder = parser.parse_args().to
    done = folder / DONE
    if done.is_file() and done.read_text() == SHA256:
        return
    with tempfile.TemporaryDirectory() as scratch:
        wheel = download(Path(scratch))
        shutil.rmtree(folder, ignore_errors=True)
        unpack(wheel, folder)
    done.write_text(SHA256)
    print(f"{folder}: fetched from {WHEEL}")


if __name__ == "__main__":
    main()
