"""Transcribes a recording with the lexicon that the job names. Try it: python3 worker.py --try job.json"""

import os

from gristmill_worker import Fatal, Retry, handler, run
from recognizer import RATE, Recognizer, read_wav, utterances


@handler
class Transcriber:
    def setup(self):
        # One recogniser for each lexicon, loaded once.
        self.recognizers = {name[:-len(".gram")]: Recognizer(os.path.join("lexicons", name)) for name in os.listdir("lexicons")}

    def handle(self, order, job):
        """{"job_id": ..., "audio_file_path": ..., "lexicon_id": ...} -> {"text": "...", "segments": [{"start": 0.0, ...}]}"""
        try:
            recognizer = self.recognizers[order["lexicon_id"]]
            samples = read_wav(order["audio_file_path"])
        except KeyError as error:
            raise Fatal("there is no %s" % error) from error
        except FileNotFoundError as error:
            raise Retry(str(error)) from error
        except ValueError as error:
            raise Fatal(str(error)) from error
        segments = []
        found = utterances(samples)
        for n, (start, end) in enumerate(found, 1):
            job.check_cancelled()
            text = " ".join(recognizer.words(samples[start:end]))
            segments.append({"start": round(start / RATE, 2), "end": round(end / RATE, 2), "text": text})
            job.progress(n, len(found), "segment %d of %d" % (n, len(found)))
        return {"text": ". ".join(s["text"] for s in segments), "segments": segments}


if __name__ == "__main__":
    run()
