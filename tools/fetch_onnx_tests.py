#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetch the ONNX backend test data of several releases out of their PyPI wheels.

Each release makes its tests anew at the newest version of every operator, so that the older ones are
what tests older versions. The wheels are only unpacked, never installed: the folder
onnx/backend/test/data of a release becomes DIR/RELEASE. Does nothing for complete folders. Needs pip
and nothing beside the standard library. Exit status 69 says that a wheel could not be downloaded.
"""
import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# Release: platform and Python of the wheel, and its SHA-256. From 1.23 on wheels have no node tests.
WHEELS = {
    "1.7.0": ("manylinux2014_x86_64", "3.8",
              "95eab1dd6fe2a2834647c8c18ce75764a5475185e9c9544544e81255d2651098"),
    "1.12.0": ("manylinux_2_17_x86_64", "3.10",
               "9fd2f4e23078df197bb76a59b9cd8f5a43a6ad2edc035edb3ecfb9042093e05a"),
    "1.17.0": ("manylinux_2_17_x86_64", "3.12",
               "4f3fb5cc4e2898ac5312a7dc03a65133dd2abf9a5e520e69afb880a7251ec97a"),
    "1.22.0": ("manylinux_2_27_x86_64", "3.12",
               "955e02e1f6d385b53d52f9cd7b9cdf5caf417c300bcfe3c64c6d542be763845b"),
}
PREFIX = "onnx/backend/test/data/"
NO_NETWORK = 69
DONE = ".complete"  # written last, holds the hash of the wheel


def download(release, folder):
    platform, python, expected = WHEELS[release]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", "--platform", platform,
               "--python-version", python, "--dest", str(folder), f"onnx=={release}"]
    if subprocess.run(command, check=False).returncode != 0:
        print(f"cannot download onnx=={release}", file=sys.stderr)
        raise SystemExit(NO_NETWORK)
    wheel, = folder.glob("*.whl")
    got = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if got != expected:
        raise SystemExit(f"{wheel.name} has SHA-256 {got}, expected {expected}")
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


def fetch(release, folder):
    done = folder / DONE
    digest = WHEELS[release][2]
    if done.is_file() and done.read_text() == digest:
        return
    with tempfile.TemporaryDirectory() as scratch:
        wheel = download(release, Path(scratch))
        shutil.rmtree(folder, ignore_errors=True)
        unpack(wheel, folder)
    done.write_text(digest)
    print(f"{folder}: fetched")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("releases", nargs="*", default=list(WHEELS), help=f"of {', '.join(WHEELS)}")
    parser.add_argument("--to", type=Path, default=Path("build/onnx-tests"), metavar="DIR",
                        help="folder to put the data in (default: build/onnx-tests)")
    args = parser.parse_args()
    unknown = [release for release in args.releases if release not in WHEELS]
    if unknown:
        parser.error(f"no such release: {', '.join(unknown)}")
    for release in args.releases:
        fetch(release, args.to / release)


if __name__ == "__main__":
    main()
