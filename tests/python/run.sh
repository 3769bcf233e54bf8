#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the Python that has the package, in the source folder; skipped when it could not be installed.
#   run.sh SOURCE_DIR ARGUMENT...
cd "$1" || exit 1
shift
[ -e build/venv-python/ready ] || { echo "skipped: see python.install" && exit 77; }
exec build/venv-python/bin/python -B "$@"
