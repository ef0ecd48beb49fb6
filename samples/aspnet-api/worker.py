"""Counts the words of an uploaded text, a portion at a time, and says how far it is."""

import os
import re
from collections import Counter

from gristmill_worker import Fatal, handler, run

PORTION = 64 * 1024  # characters between two reports


@handler
def count(payload, job):
    """{"path": "/…/4f2a….txt", "name": "notes.txt"} -> {"words": n, "top": [{"word": "the", "count": 3}, …]}"""
    counts, done, rest = Counter(), 0, ""
    try:
        total = os.path.getsize(payload["path"])
        with open(payload["path"], encoding="utf-8") as text:
            while portion := text.read(PORTION):
                job.check_cancelled()
                done += len(portion.encode())
                *words, rest = re.split(r"[\W_]+", rest + portion.lower())
                counts.update(word for word in words if word)
                job.progress(done, total, "counting")
    except UnicodeDecodeError as error:
        raise Fatal(f"{payload['name']} is no text in UTF-8: {error}")
    if rest:
        counts[rest] += 1
    return {"words": counts.total(), "top": [{"word": word, "count": n} for word, n in counts.most_common(3)]}


if __name__ == "__main__":
    run()
