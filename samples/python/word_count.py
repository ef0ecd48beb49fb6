"""Counts the words of a transcript. Try it: python3 word_count.py --try payload.json"""

import re
from collections import Counter

from gristmill_worker import Fatal, handler, run

STEP = 1000  # words between two reports


@handler
def count_words(payload, job):
    """{"session_id": "s1", "chunk": 7, "transcript": "..."} -> {"words": n, "unique": m, "top": [["the", 3], ...]}"""
    if not isinstance(payload, dict) or not isinstance(payload.get("transcript"), str):
        raise Fatal('the payload must be an object with a text "transcript"')
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", payload["transcript"].lower())
    counts = Counter()
    for start in range(0, len(words), STEP):
        job.check_cancelled()
        counts.update(words[start:start + STEP])
        job.progress(min(start + STEP, len(words)), len(words), "counting")
    return {"words": len(words), "unique": len(counts), "top": counts.most_common(5)}


if __name__ == "__main__":
    run()
