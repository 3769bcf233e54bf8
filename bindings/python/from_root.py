# SPDX-License-Identifier: Apache-2.0
"""The build backend of the repository's root, for pip in this folder."""
import os
from pathlib import Path

from scikit_build_core.build import *

os.chdir(Path(__file__).resolve().parents[2])
