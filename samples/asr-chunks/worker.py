"""Turns one chunk of a session's audio into text. Try it: RECORDINGS=/tmp/recordings python3 worker.py --try chunk.json"""

import os

from gristmill_worker import Fatal, Retry, handler, run
from recognizer import Recognizer, read_wav, utterances


@handler
class Transcriber:
    def setup(self):
        self.recognizer = Recognizer("harbor.gram")
        self.folder = os.environ["RECORDINGS"]

    def handle(self, chunk, job):
        """{"session_id": "s1", "chunk": 1, "audio": "s1-1.wav"} -> {"chunk": 1, "text": "two ships are waiting ..."}"""
        try:
            samples = read_wav(os.path.join(self.folder, os.path.basename(chunk["audio"])))
        except FileNotFoundError as error:
            raise Retry("the upload is not there yet: %s" % error) from error
        except (KeyError, ValueError) as error:
            raise Fatal(str(error)) from error
        words = []
        found = utterances(samples)
        for n, (start, end) in enumerate(found, 1):
            job.check_cancelled()
            words += self.recognizer.words(samples[start:end])
            job.progress(n, len(found), "recognising")
        return {"chunk": chunk.get("chunk"), "text": " ".join(words)}


if __name__ == "__main__":
    run()
