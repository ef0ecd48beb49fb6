"""Finds which of several texts is most like a question, by PyTorch on the device that the silo gave it, or on the CPU.

Try it without a silo: python3 worker.py --try job.json
"""

import os
import re
import sys
from zlib import crc32

from gristmill_worker import Fatal, OutOfMemory, handler, run

UNAVAILABLE = 69  # the exit status of what cannot start here, as in sysexits.h
CONTEXT_MIB = 512  # what CUDA itself takes of a device for a process, beside PyTorch's tensors
FEATURES, SIZE, BATCH = 1 << 16, 256, 64

try:
    import torch
except ImportError as error:
    print("worker.py needs PyTorch (https://pytorch.org, Debian: python3-torch): %s" % error, file=sys.stderr)
    sys.exit(UNAVAILABLE)


def device_of_silo():
    """The CUDA device that CUDA_VISIBLE_DEVICES leaves to this process; the CPU only where the silo has none to give."""
    if torch.cuda.is_available():
        return torch.device("cuda:0")
    if os.environ.get("CUDA_VISIBLE_DEVICES"):
        print("worker.py was given the device %s, and PyTorch %s sees no CUDA device: is it a build for the CPU, is there a driver?"
              % (os.environ.get("GRISTMILL_GPU", os.environ["CUDA_VISIBLE_DEVICES"]), torch.__version__), file=sys.stderr)
        sys.exit(UNAVAILABLE)
    print("no CUDA device: on the CPU", file=sys.stderr)
    return torch.device("cpu")


def limit_memory(device):
    """Keeps to what the silo set aside for this worker: past it PyTorch raises OutOfMemoryError, and nobody else is harmed."""
    mib = int(os.environ.get("GRISTMILL_GPU_MEMORY_MIB", 0))
    if device.type != "cuda" or mib == 0:
        return
    if mib <= CONTEXT_MIB:
        print("Gpu:MemoryMiB is %d; CUDA alone takes %d of it" % (mib, CONTEXT_MIB), file=sys.stderr)
        sys.exit(UNAVAILABLE)
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (mib - CONTEXT_MIB) * 2**20 / total), device)


@handler
class Likeness:
    def setup(self):
        """Once for each worker: the model stays on the device from job to job."""
        self.device = device_of_silo()
        limit_memory(self.device)
        torch.manual_seed(7)
        # Stands for a trained model: random vectors, which keep what texts have in common.
        self.model = torch.nn.EmbeddingBag(FEATURES, SIZE, mode="mean").to(self.device).eval()

    def handle(self, order, job):
        """{"question": "...", "texts": ["...", ...]} -> {"best": 1, "score": 0.93, "device": "cuda:0"}"""
        if not isinstance(order, dict) or not isinstance(order.get("question"), str) or not order.get("texts"):
            raise Fatal('the payload must have a text "question" and a list "texts"')
        try:
            with torch.no_grad():
                return self._best(order["question"], order["texts"], job)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemory(str(error)) from error
        finally:
            if self.device.type == "cuda":
                job.gpu_memory(CONTEXT_MIB + torch.cuda.max_memory_reserved(self.device) // 2**20)

    def _best(self, question, texts, job):
        asked, scores = self._vectors([question]), []
        for start in range(0, len(texts), BATCH):
            job.check_cancelled()
            scores.append(torch.nn.functional.cosine_similarity(self._vectors(texts[start:start + BATCH]), asked))
            job.progress(min(start + BATCH, len(texts)), len(texts), "comparing")
        score, best = torch.cat(scores).max(0)
        return {"best": int(best), "score": round(float(score), 4), "device": str(self.device)}

    def _vectors(self, texts):
        features, starts = [], []
        for text in texts:
            starts.append(len(features))
            features += [crc32(word.encode()) % FEATURES for word in re.findall(r"\w+", text.lower())]
        tensors = (torch.tensor(values, dtype=torch.long, device=self.device) for values in (features, starts))
        return self.model(*tensors)


if __name__ == "__main__":
    run()
