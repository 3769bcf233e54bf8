# SPDX-License-Identifier: Apache-2.0
"""What the files of this project are, by magika."""
import json
import sys
from pathlib import Path

from magika import Magika

root = Path(sys.argv[1])
paths = [path for pattern in ("*.md", "tools/*", "src/base/*", "tests/python/*.py", "proto/*.proto",
                              "models/digits-vit/*", "bench/results/*")
         for path in sorted(root.glob(pattern)) if path.is_file()]
results = Magika().identify_paths(paths)
print(json.dumps([[str(result.path), str(result.output.label), result.score]
                  for result in results]))
