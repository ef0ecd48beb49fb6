"""A Gristmill worker in one file, on the standard library alone: copy it next to your code.

    from gristmill_worker import handler, run

    @handler
    def transcribe(payload, job):
        job.progress(1, 2, "decoding")
        return {"text": "..."}

    if __name__ == "__main__":
        run()

`python3 my_worker.py` is what the silo starts (option Worker:Command); it speaks version 1 of docs/worker-protocol.md.
`python3 my_worker.py --try payload.json` runs one payload (a file, or - for stdin) without any cluster.

A class loads its model once, before the worker says that it is ready:

    @handler
    class Transcriber:
        def setup(self):
            self.model = load_model()

        def handle(self, payload, job):
            return self.model(payload["path"])

A handler of batches gets lists, up to the size that it names (and the queue's option Worker:BatchSize), and returns a list of
as many results in the same order; an exception in a result's place fails that job alone:

    @handler(batch=32)
    def embed(payloads, jobs):
        return model.encode([p["text"] for p in payloads])

If it raises, each job of the batch is run alone, so that one bad job does not fail the others.

How a job fails: raise Retry (the default for any other exception), Fatal (trying again cannot help) or OutOfMemory.
Long work calls job.check_cancelled() (raises Cancelled) or looks at job.cancelled now and then, and waits by job.wait(seconds)
in place of time.sleep; a worker that does not is ended by SIGTERM and then SIGKILL after the configured graces. print() and what C libraries write to stdout go to
stderr, which is the worker's log.

Without its silo a worker ends by itself: when stdin ends; looked at with each heartbeat, when nobody reads its stdout or the
process that started it is gone; and when the silo has been silent for so long that it must be frozen. Runs on Python 3.9 and
later.
"""

import base64
import inspect
import json
import os
import queue
import sys
import threading
import time
import traceback

PROTOCOL = 1
PROGRESS_SECONDS = 0.1  # reports in between are dropped, the silo would do so too


class JobError(Exception):
    """The base of the ways in which a job can fail; `detail` goes with the job's error."""

    kind = "retry"

    def __init__(self, message="", detail=None):
        super().__init__(message)
        self.detail = detail


class Retry(JobError):
    """Try again, as far as the job's retries reach."""


class Fatal(JobError):
    """Trying again cannot help."""

    kind = "fatal"


class OutOfMemory(JobError):
    """Memory of the host or of a device was not enough."""

    kind = "oom"


class Cancelled(JobError):
    """Raised by job.check_cancelled()."""

    kind = "cancelled"


class Job:
    """What a handler is told of its job, and where it reports to."""

    def __init__(self, message, worker):
        self.run_id = message.get("id", 0)
        self.queue = message.get("queue", "")
        self.id = message.get("job_id", "")
        self.session_id = message.get("session_id")
        self.attempt = message.get("attempt", 1)
        self.max_attempts = message.get("max_attempts", 1)
        self.enqueued_at = message.get("enqueued_at")
        self.fencing_token = message.get("fencing_token", "")
        self.idempotency_key = message.get("idempotency_key", "")
        self.traceparent = message.get("traceparent")
        self._worker = worker
        self._cancelled = threading.Event()
        self._reported_at = 0.0

    @property
    def cancelled(self):
        return self._cancelled.is_set()

    def check_cancelled(self):
        if self._cancelled.is_set():
            raise Cancelled("the job was cancelled")

    def wait(self, seconds):
        """Sleeps, and raises Cancelled as soon as the job is cancelled."""
        if self._cancelled.wait(seconds):
            raise Cancelled("the job was cancelled")

    def progress(self, done, total=0, message=None):
        """Says how far the job is. Never raises Cancelled: with batches it would end the other jobs too."""
        now = time.monotonic()
        if done != total and now - self._reported_at < PROGRESS_SECONDS:
            return
        self._reported_at = now
        report = {"type": "progress", "id": self.run_id, "done": int(done), "total": int(total)}
        if message is not None:
            report["message"] = str(message)
        self._worker.send(report)

    def gpu_memory(self, mib):
        """The most device memory that this process has used so far, in MiB; the silo is told with what is sent next."""
        self._worker.gpu_memory_mib = int(mib)

    def log(self, message, level="info"):
        """A line in the silo's log with the job's id; level: trace, debug, info, warning, error, critical."""
        self._worker.send({"type": "log", "id": self.run_id, "level": level, "message": str(message)})


_handlers = []
_batch_sizes = {}


def handler(target=None, *, batch=None):
    """Marks the function handle(payload, job), or the class with handle and perhaps setup, that does the work.

    With batch=N it is handle(payloads, jobs) on lists of 1 to N, and returns a list of results."""
    if batch is not None and (not isinstance(batch, int) or not 1 <= batch <= 1000):
        raise ValueError("batch is %r; it must be from 1 to 1000" % (batch,))

    def mark(marked):
        _handlers.append(marked)
        _batch_sizes[marked] = batch
        return marked

    return mark if target is None else mark(target)


def run(target=None, argv=None):
    """Serves jobs until the silo says stop or goes away; with --try, runs one payload and prints the result."""
    target = target or _the_handler()
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["--try"]:
        if len(argv) != 2:
            sys.exit("usage: --try payload.json   (or - for stdin)")
        sys.exit(_try(target, argv[1]))
    _Worker().serve(target)


def _the_handler():
    if len(_handlers) != 1:
        raise SystemExit("gristmill: %d handlers are marked with @handler; there must be one" % len(_handlers))
    return _handlers[0]


def _load(target):
    """A function as it is; of a class, an instance after its setup."""
    if not inspect.isclass(target):
        return target
    instance = target()
    if hasattr(instance, "setup"):
        instance.setup()
    return instance.handle


class _Worker:
    def __init__(self):
        # The protocol keeps the real stdout for itself; everything else that writes to descriptor 1 goes to stderr.
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._in = sys.stdin.buffer
        self._lock = threading.Lock()
        self._jobs = queue.SimpleQueue()
        self._current = {}
        self._current_lock = threading.Lock()
        self._silo = os.getppid()
        self.gpu_memory_mib = None
        self._silent = 0  # looks of the watch since the silo said something
        self._stopping = threading.Event()

    def send(self, message):
        self._write(self._encode(message))

    def _encode(self, message):
        """The message, with what there is to say of the device's memory."""
        used, self.gpu_memory_mib = self.gpu_memory_mib, None
        return _encode(message if used is None else dict(message, gpu_memory_mib=used))

    def _write(self, line):
        rest = memoryview(line + b"\n")
        with self._lock:
            while rest:
                rest = rest[self._out.write(rest):]

    def serve(self, target):
        hello = json.loads(self._in.readline() or b"{}")
        if hello.get("type") != "hello":
            raise SystemExit("gristmill: this is a worker; a silo starts it, or try it with --try payload.json")
        if hello.get("protocol") != PROTOCOL:
            raise SystemExit("gristmill: the silo speaks worker protocol %r, this file %d" % (hello.get("protocol"), PROTOCOL))
        self._max_answer_bytes = min(hello.get("max_result_bytes", 1 << 20), hello.get("max_line_bytes", 4 << 20))
        handle = _load(target)
        batch = _batch_sizes.get(target)
        beat = float(hello.get("heartbeat_seconds", 5))
        patience = hello.get("silo_timeout_seconds")
        self.send({"type": "ready", "protocol": PROTOCOL, "heartbeat": True, "watch": bool(patience), "batch": batch or 1})
        threading.Thread(target=self._read, name="gristmill-read", daemon=True).start()
        threading.Thread(target=self._beat, args=(beat,), name="gristmill-beat", daemon=True).start()
        if patience:
            threading.Thread(target=self._watch, args=(beat, patience), name="gristmill-watch", daemon=True).start()
        while (messages := self._jobs.get()) is not None:
            if batch is None:
                self._run(lambda: handle(_payload(messages[0]), messages[0]["_job"]), messages[0]["_job"])
            else:
                self._run_batch(handle, messages)
            with self._current_lock:
                self._current = {}

    def _read(self):
        """Takes messages while a job runs, so that cancel is heard; ends the process when the silo is gone."""
        try:
            for line in self._in:
                self._silent = 0
                if not self._take(json.loads(line)):
                    # Reading on would hold the lock of stdin while the interpreter shuts down.
                    self._stopping.set()
                    return
        except Exception:
            # Deaf, it would wait for ever; the silo starts another.
            traceback.print_exc()
            os._exit(1)
        # End of file without stop: the silo died. Nobody waits for the job's result any more.
        os._exit(0)

    def _take(self, message):
        """One message of the silo; false after the last."""
        kind = message.get("type")
        if kind in ("job", "jobs"):
            messages = message["jobs"] if kind == "jobs" else [message]
            for each in messages:
                each["_job"] = Job(each, self)
            with self._current_lock:
                self._current = {each["_job"].run_id: each["_job"] for each in messages}
            self._jobs.put(messages)
        elif kind == "cancel":
            with self._current_lock:
                if message.get("id") in self._current:
                    self._current[message["id"]]._cancelled.set()
        elif kind == "stop":
            self._jobs.put(None)
        return kind != "stop"

    def _beat(self, seconds):
        wait = threading.Event()
        while not wait.wait(seconds):
            try:
                self.send({"type": "heartbeat"})
            except OSError:
                os._exit(0)  # nobody reads
            if os.getppid() != self._silo:
                os._exit(0)  # stdin and stdout can outlive the silo where another process holds them

    def _watch(self, seconds, patience):
        """Ends the process when the silo is silent for too long: it is frozen, and its jobs are somebody else's by now.

        It counts its own looks, not the clock: time in which this process was frozen too says nothing about the silo. And it is
        a thread of its own, since the one that beats may be stuck in a pipe that the silo does not empty."""
        while not self._stopping.wait(seconds):
            self._silent += 1
            if self._silent * seconds > patience:
                os.set_blocking(2, False)
                try:
                    os.write(2, b"gristmill: the silo has been silent for %d s; ending\n" % (self._silent * seconds))
                finally:
                    os._exit(0)

    def _run(self, work, job):
        try:
            self._send_result(job, work())
        except Exception as error:  # SystemExit and KeyboardInterrupt end the worker
            self.send(self._error(job, error))

    def _run_batch(self, handle, messages):
        """One result each; if the batch as a whole fails, each of its jobs has its chance alone."""
        messages = [m for m in messages if not self._gave_up(m["_job"])]
        if not messages:
            return
        jobs = [m["_job"] for m in messages]
        try:
            results = _results(handle, messages)
        except Exception as error:
            if len(jobs) == 1 or _is_out_of_memory(error):
                for job in jobs:
                    self.send(self._error(job, error))
                return
            for message in messages:
                self._run_batch(handle, [message])
            return
        for job, result in zip(jobs, results):
            if isinstance(result, Exception):
                self.send(self._error(job, result))
            else:
                self._run(lambda: result, job)

    def _gave_up(self, job):
        """Of a batch, what is cancelled before it begins needs no work."""
        if job.cancelled:
            self.send(self._error(job, Cancelled("the job was cancelled")))
        return job.cancelled

    def _send_result(self, job, result):
        answer = {"type": "result", "id": job.run_id}
        if result is not None:
            answer["result"] = result
        try:
            line = self._encode(answer)
        except (TypeError, ValueError) as error:
            raise Fatal("the result cannot be written as JSON: %s" % error) from error
        if len(line) > self._max_answer_bytes:
            raise Fatal("the result is %d bytes of JSON, more than %d" % (len(line), self._max_answer_bytes))
        self._write(line)

    @staticmethod
    def _error(job, error):
        kind = error.kind if isinstance(error, JobError) else "oom" if _is_out_of_memory(error) else "retry"
        detail = getattr(error, "detail", None) or "".join(traceback.format_exception(type(error), error, _beyond_this_file(error.__traceback__)))
        return {
            "type": "error", "id": job.run_id, "kind": kind, "error": type(error).__name__,
            "message": str(error)[:4096], "detail": detail[-16384:],
        }


def _beyond_this_file(frames):
    """The traceback from the handler on: how it was called is of no use to its author."""
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames


def _encode(message):
    # allow_nan=False: NaN is no JSON, and the silo would have to ignore the line.
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def _results(handle, messages):
    jobs = [m["_job"] for m in messages]
    results = list(handle([_payload(m) for m in messages], jobs))
    if len(results) != len(jobs):
        raise Fatal("the handler returned %d results for %d jobs" % (len(results), len(jobs)))
    return results


def _is_out_of_memory(error):
    text = str(error)
    return isinstance(error, (MemoryError, OutOfMemory)) or "CUDA out of memory" in text or "CUDA error: out of memory" in text


def _payload(message):
    """The JSON value, or bytes where the payload is not JSON."""
    return message["payload"] if "payload" in message else base64.b64decode(message.get("payload_base64", ""))


class _Trial:
    """Stands for the silo with --try: progress and log lines go to stderr."""

    gpu_memory_mib = None

    def send(self, message):
        print(json.dumps(message, ensure_ascii=False), file=sys.stderr)


def _try(target, path):
    raw = sys.stdin.buffer.read() if path == "-" else open(path, "rb").read()
    try:
        message = {"payload": json.loads(raw)}
    except ValueError:
        message = {"payload_base64": base64.b64encode(raw)}
    message.update(job_id="try", queue="try", idempotency_key="try/try")
    job = Job(message, _Trial())
    message["_job"] = job
    try:
        handle = _load(target)
        if _batch_sizes.get(target):
            result = _results(handle, [message])[0]
            if isinstance(result, Exception):
                raise result
        else:
            result = handle(_payload(message), job)
    except Exception as error:
        print(json.dumps(_Worker._error(job, error), indent=2, ensure_ascii=False), file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))
    return 0
