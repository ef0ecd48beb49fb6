"""Text to vectors, by hashing its words and their trigrams: texts that share words are near each other. Standard library only.

Another model goes in its place with the same two members: it is loaded once, and embeds a list of texts at a time.
"""

import math
import re
from zlib import crc32


class Model:
    size = 256

    def embed(self, texts):
        return [self._embed(text) for text in texts]

    def _embed(self, text):
        vector = [0.0] * self.size
        for word in re.findall(r"\w+", text.lower()):
            padded = "<%s>" % word
            for feature in [word] + [padded[i:i + 3] for i in range(len(padded) - 2)]:
                hashed = crc32(feature.encode())
                vector[hashed % self.size] += 1.0 if hashed & 0x80000000 else -1.0
        length = math.sqrt(sum(v * v for v in vector))
        if length == 0:
            raise ValueError("the text has no words")
        return [v / length for v in vector]
