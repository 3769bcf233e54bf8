# SPDX-License-Identifier: Apache-2.0
"""Where there is speech in made-up audio, by akiki."""
import json

import numpy as np
from akiki import VAD

time = np.arange(16000) / 16000
noise = np.random.default_rng(0).standard_normal(16000)
voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 12)) * (time % 0.5 > 0.2)
with VAD(engine="onnx") as detector:
    frames = detector.push((0.1 * voice + 0.01 * noise).astype(np.float32))
print(json.dumps([[frame.probability, bool(frame.speech)] for frame in frames]))
