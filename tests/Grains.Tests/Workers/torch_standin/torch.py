"""Stands in for what samples/pytorch uses of PyTorch, so that its own lines can be run without a device: a made-up CUDA device
of 8 GiB whose memory is out after 1,000 words. What it is told goes to stderr. It says nothing about PyTorch itself."""

import contextlib
import os
import sys
import types

__version__ = "stand-in"
long = int


def _say(*words):
    print("stand-in:", *words, file=sys.stderr, flush=True)


class _Vectors(list):
    pass


class _Scores(list):
    def max(self, axis):
        return max(self), self.index(max(self))


class _Bag:
    def __init__(self, features, size, mode):
        _say("model loaded")

    def to(self, device):
        return self

    def eval(self):
        return self

    def __call__(self, features, starts):
        if len(features) > 1000:
            raise cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        ends = starts[1:] + [len(features)]
        return _Vectors(set(features[start:end]) for start, end in zip(starts, ends))


class _Device:
    def __init__(self, name):
        self.name, self.type = name, name.split(":")[0]

    def __str__(self):
        return self.name


class _OutOfMemoryError(RuntimeError):
    pass


def tensor(values, dtype, device):
    return list(values)


def cat(parts):
    return _Scores(score for part in parts for score in part)


def manual_seed(seed):
    pass


no_grad = contextlib.nullcontext
device = _Device
cuda = types.SimpleNamespace(
    OutOfMemoryError=_OutOfMemoryError,
    is_available=lambda: os.environ.get("STANDIN_CUDA") == "1",
    get_device_properties=lambda device: types.SimpleNamespace(total_memory=8 << 30),
    set_per_process_memory_fraction=lambda fraction, device: _say("fraction", fraction, "of", device),
    max_memory_reserved=lambda device: 100 << 20,
    empty_cache=lambda: _say("cache emptied"),
)
nn = types.SimpleNamespace(
    EmbeddingBag=_Bag,
    functional=types.SimpleNamespace(cosine_similarity=lambda texts, asked: _Scores(len(t & asked[0]) / max(len(t | asked[0]), 1) for t in texts)),
)
