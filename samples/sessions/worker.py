"""Counts the words of a recorded session. Try it: RECORDINGS=/tmp/recordings python3 worker.py --try session.json"""

import os
from collections import Counter

from gristmill_worker import Fatal, Retry, handler, run
from recognizer import Recognizer, read_wav, utterances


@handler
class Processor:
    def setup(self):
        self.recognizer = Recognizer("orders.gram")
        self.folder = os.environ["RECORDINGS"]

    def handle(self, session, job):
        """{"session_id": "uuid", "queued_at": "..."} -> {"segments": 2, "total_words": 7, "words": {"coffee": 1, ...}}"""
        if not job.session_id:
            raise Fatal('the payload must have a "session_id"')
        path = os.path.join(self.folder, os.path.basename(job.session_id) + ".wav")
        try:
            samples = read_wav(path)
        except FileNotFoundError as error:
            raise Retry("the audio cannot be fetched: %s" % error) from error
        except ValueError as error:
            raise Fatal(str(error)) from error
        segments = utterances(samples)
        words = Counter()
        for n, (start, end) in enumerate(segments, 1):
            job.check_cancelled()
            words.update(self.recognizer.words(samples[start:end]))
            job.progress(n, len(segments), "segment %d of %d" % (n, len(segments)))
        return {"segments": len(segments), "total_words": sum(words.values()), "words": dict(words.most_common())}


if __name__ == "__main__":
    run()
