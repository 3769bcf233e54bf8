#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the wheel and installs it, with what its tests need, into build/venv-python.
#   install.sh SOURCE_DIR
set -eu
cd "$1"
skipped=77

rm -f build/venv-python/ready
if ! python3 -c "import ensurepip, os, sysconfig
os.stat(sysconfig.get_path('include') + '/Python.h')" 2>/dev/null; then
    echo "skipped: Python's headers or its module ensurepip are missing (python3-dev, python3-venv)"
    exit $skipped
fi
status=0
tools/wheel || status=$?
[ "$status" -ne 69 ] || { echo "skipped: no download" && exit $skipped; }
[ "$status" -eq 0 ] || { tail -n 40 build/wheel.log && exit 1; }

[ -x build/venv-python/bin/python ] || python3 -m venv build/venv-python
pip="build/venv-python/bin/python -m pip --disable-pip-version-check -q"
$pip install -r tests/python/requirements.txt || { echo "skipped: no download" && exit $skipped; }
$pip install --force-reinstall --no-deps --no-index build/wheel/*.whl
touch build/venv-python/ready
