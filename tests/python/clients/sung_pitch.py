# SPDX-License-Identifier: Apache-2.0
"""The pitch of a made-up voice that glides, with noise, by swift-f0."""
import json

import numpy as np
from swift_f0 import SwiftF0

time = np.arange(16000) / 16000
phase = 2 * np.pi * np.cumsum(180 + 80 * time) / 16000
voice = 0.2 * sum(np.sin(k * phase) / k for k in range(1, 8))
voice += 0.01 * np.random.default_rng(0).standard_normal(16000)
result = SwiftF0(threads=1).detect(voice.astype(np.float32), 16000)
print(json.dumps([[float(pitch) / 100, float(confidence)]
                  for pitch, confidence in zip(result.pitch_hz, result.confidence, strict=True)]))
