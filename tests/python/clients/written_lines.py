# SPDX-License-Identifier: Apache-2.0
"""What stands in a picture and where, by the models for finding and reading text in RapidOCR."""
import json

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidocr_onnxruntime import RapidOCR

LINES = ("Hello onnxrun 2026", "Attention is all you need", "0.5 ms per token", "Lausanne",
         "a line of text", "the last line")

picture = Image.new("RGB", (640, 60 * len(LINES) + 20), "white")
for i, line in enumerate(LINES):
    ImageDraw.Draw(picture).text((20, 10 + 60 * i), line, fill="black",
                                 font=ImageFont.load_default(36))
found, _ = RapidOCR()(np.asarray(picture))
print(json.dumps([[np.asarray(box, float).tolist(), text, float(score)]
                  for box, text, score in found]))
