"""Speech to words with PocketSphinx on the CPU. Debian: python3-pocketsphinx, pocketsphinx-en-us.

    recognizer = Recognizer("harbor.gram")            # loads the model; the grammar says what can be said
    samples = read_wav("call.wav")                    # 16 kHz, whatever the recording has
    for start, end in utterances(samples):            # between the pauses
        print(recognizer.words(samples[start:end]))   # ["two", "ships", ...]

Without a grammar it takes any English, which is slower and less sure.
"""

import array
import wave

from pocketsphinx import Decoder

MODEL = "/usr/share/pocketsphinx/model/en-us"
RATE = 16000
FRAME = RATE // 50
QUIET = 0.02  # of the recording's peak
PAUSE_FRAMES = 15
MARGIN_FRAMES = 8


class Recognizer:
    def __init__(self, grammar=None):
        config = Decoder.default_config()
        config.set_string("-hmm", MODEL + "/en-us")
        config.set_string("-dict", MODEL + "/cmudict-en-us.dict")
        config.set_string("-logfn", "/dev/null")
        # Each utterance is judged by itself: what was said before must not change the words.
        config.set_string("-cmn", "batch")
        # Beams wide enough that a search always ends in a sentence of the grammar.
        config.set_float("-beam", 1e-80)
        config.set_float("-pbeam", 1e-80)
        config.set_float("-wbeam", 1e-60)
        if grammar is None:
            config.set_string("-lm", MODEL + "/en-us.lm.bin")
        self._decoder = Decoder(config)
        if grammar is not None:
            self._decoder.set_jsgf_file("grammar", grammar)
            self._decoder.set_search("grammar")

    def words(self, samples):
        """The words of one utterance."""
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), False, True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr.split() if found else []


def read_wav(path):
    """A recording with 16 bits and one channel, as samples at 16 kHz; anything else is a ValueError."""
    try:
        with wave.open(path, "rb") as file:
            if file.getsampwidth() != 2 or file.getnchannels() != 1:
                raise ValueError("%s has %d bits and %d channels; 16 bits and 1 are read"
                                 % (path, 8 * file.getsampwidth(), file.getnchannels()))
            rate = file.getframerate()
            samples = array.array("h", file.readframes(file.getnframes()))
    except (wave.Error, EOFError) as error:
        raise ValueError("%s is no WAV recording: %s" % (path, error)) from error
    return samples if rate == RATE else _resample(samples, rate)


def utterances(samples):
    """The stretches of speech as (start, end) in samples, with a margin of the pauses around them."""
    limit = QUIET * max(map(abs, samples), default=0)
    loud = [n for n in range(len(samples) // FRAME) if max(map(abs, samples[n * FRAME:(n + 1) * FRAME])) > limit]
    found = []
    for frame in loud:
        if found and frame - found[-1][1] <= PAUSE_FRAMES:
            found[-1][1] = frame
        else:
            found.append([frame, frame])
    return [(max(0, first - MARGIN_FRAMES) * FRAME, min(len(samples), (last + 1 + MARGIN_FRAMES) * FRAME)) for first, last in found]


def _resample(samples, rate):
    """Linear interpolation: enough for speech."""
    result = array.array("h", bytes(2 * (len(samples) * RATE // rate)))
    last = len(samples) - 1
    for n in range(len(result)):
        at, part = divmod(n * rate, RATE)
        left = samples[at]
        result[n] = left + (samples[min(at + 1, last)] - left) * part // RATE
    return result
