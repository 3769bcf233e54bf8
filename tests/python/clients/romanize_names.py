# SPDX-License-Identifier: Apache-2.0
"""Arabic names in Latin letters, by arabic-name-romanizer; those in no dictionary take the model."""
import json

from arabic_name_romanizer import Transliterator

names = ["محمد", "عبد الرحمن الشنقيطي", "زلخوثان", "فهيصل القنطرجي", "يوسف", "خضيرون طمطماوي"]
transliterator = Transliterator()
print(json.dumps([[name, str(transliterator.transliterate(name))] for name in names]))
