"""A worker that does as told, well or badly: the start by its arguments, each job by its payload's "do"."""
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

mode = sys.argv[1] if len(sys.argv) > 1 else "ok"
out = os.fdopen(os.dup(1), "wb", buffering=0)
writing = threading.Lock()


def say(**message):
    raw((json.dumps(message) + "\n").encode())


def raw(data):
    # A heartbeat in the midst of a long line would end it.
    with writing:
        data = memoryview(data)
        while data:
            data = data[out.write(data):]


def hang():
    while True:
        time.sleep(1000)


def beat(seconds):
    while True:
        time.sleep(seconds)
        say(type="heartbeat")


def orphans():
    """A child in a session of its own, and a daemon whose parent is gone: both out of the worker's process group."""
    sleeper = "trap '' TERM HUP; while :; do sleep 1000; done"
    child = subprocess.Popen(["sh", "-c", sleeper], start_new_session=True)
    daemon = subprocess.check_output(["setsid", "sh", "-c", "sh -c '%s' >/dev/null & echo $!" % sleeper.replace("'", "'\\''")])
    return child.pid, int(daemon)


def into_memory_group(bytes):
    """Puts this process into a control group with a limit, where the machine lets it: gives the group's folder, or None."""
    for root, sign, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.limit_in_bytes"),
                              ("/sys/fs/cgroup", "cgroup.controllers", "memory.max")):
        group = "%s/gristmill-test-%d" % (root, os.getpid())
        if not os.path.exists(os.path.join(root, sign)):
            continue
        try:
            os.mkdir(group)
            for file, value in ((limit, bytes), ("cgroup.procs", os.getpid())):
                with open(os.path.join(group, file), "w") as stream:
                    stream.write(str(value))
            return group
        except OSError:
            if os.path.isdir(group):
                os.rmdir(group)
    return None


beats = "beat" in mode or mode == "as-told"
if mode == "as-told":
    # Starts as the file says that the second argument names: never, slow, exit; anything else: well.
    with open(sys.argv[2]) as file:
        mode = file.read().strip()
if "ignore-term" in mode:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "never":
    hang()
if mode == "counted":
    # The first to start serves, the third hangs, all others exit; the file that counts them is the second argument.
    with open(sys.argv[2], "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b".")
        file.flush()
        started = os.path.getsize(sys.argv[2])
    if started == 3:
        hang()
    if started > 1:
        sys.exit(4)
if mode == "exit":
    print("no model here", file=sys.stderr)
    sys.exit(3)
if mode == "once":
    # Starts for the first time only; the marker file is the second argument.
    if os.path.exists(sys.argv[2]):
        sys.exit(4)
    open(sys.argv[2], "w").close()

if "fork" in mode:
    subprocess.Popen(["sh", "-c", "trap '' TERM HUP; while :; do sleep 1000; done"])

hello = json.loads(sys.stdin.readline())
assert hello["type"] == "hello"
if mode == "slow":
    time.sleep(0.4)
if mode == "noise":
    raw(b"Loading weights... 100%\n\n[1, 2]\n{\"type\": 7}\n{broken\n")
batch = {"batch": 8} if "batch" in mode else {}
say(type="ready", protocol=99 if mode == "protocol" else 1, heartbeat=beats, extra={"unknown": [1]}, **batch)
if beats:
    if mode != "no-beat":
        threading.Thread(target=beat, args=(hello["heartbeat_seconds"],), daemon=True).start()
if mode == "fat":
    ballast = bytearray(64 << 20)



def jobs():
    """Each job, and how many came with it."""
    while line := sys.stdin.readline():
        message = json.loads(line)
        if message["type"] == "stop":
            if "deaf" in mode:
                hang()
            sys.exit(0)
        if message["type"] == "cancel":
            continue
        if message["type"] == "jobs":
            yield from ((job, len(message["jobs"])) for job in message["jobs"])
        elif message["type"] == "job":
            yield message, 1
        else:
            sys.exit(9)


last = 0
for job, together in jobs():
    id, payload = job["id"], job.get("payload")
    do = payload.get("do", "echo") if isinstance(payload, dict) else "echo"
    if do == "echo":
        say(type="result", id=id, result=job)
    elif do == "together":
        say(type="result", id=id, result=together)
    elif do == "pid":
        say(type="result", id=id, result=os.getpid())
    elif do == "env":
        say(type="result", id=id, result=os.environ.get(payload["name"]))
    elif do == "cwd":
        say(type="result", id=id, result=os.getcwd())
    elif do == "none":
        raw(b'{"extra":1,"id":%d,"result":null,"type":"result"}\n' % id)
    elif do == "progress":
        say(type="progress", id=id, done=1, total=4, message="first")
        say(type="progress", id=id, done=2.0, total=4)
        say(type="progress", id=id + 1000, done=9, total=9)
        say(type="result", id=id, result="done")
    elif do == "error":
        say(type="error", id=id, kind=payload["kind"], error="ValueError", message=payload["message"], detail="trace")
    elif do == "raw":
        # Characters below 256 stand for their byte, ID for the run's number.
        raw(payload["line"].replace("ID", str(id)).encode("latin-1") + b"\n")
        if payload.get("then") == "result":
            say(type="result", id=id, result="after it")
    elif do == "size":
        say(type="result", id=id, result="x" * payload["bytes"])
    elif do == "log":
        say(type="log", id=id, level="warning", message="from the worker")
        say(type="result", id=id)
    elif do == "wrong-answers":
        say(type="result", id=last, result="late")
        say(type="result", id=123456, result="of nobody")
        say(type="telemetry", id=id)
        say(type="result", id=id, result="right")
        say(type="result", id=id, result="twice")
    elif do == "garbage-then-result":
        raw(b"Epoch 1/3\r\n\xff\xfe\n{}\n")
        say(type="result", id=id, result="found")
    elif do == "deep":
        field = b'{"type":"%s","id":%d,"%s":' % (payload["type"].encode(), id, payload["field"].encode())
        raw(field + b"[" * payload["levels"] + b"]" * payload["levels"] + b"}\n")
        if payload["type"] == "progress":
            say(type="result", id=id, result="after it")
    elif do == "not-a-number":
        say(type="result", id=id, result=float("nan"))
    elif do == "garbage":
        for i in range(1000):
            raw(b"line %d of somebody's print\n" % i)
        hang()
    elif do == "long-line":
        raw(b"x" * payload.get("bytes", 1 << 20))
        hang()
    elif do == "half":
        print("last words", file=sys.stderr)
        raw(b'{"type":"result","id":%d,"resu' % id)
        os._exit(7)
    elif do == "result-then-exit":
        say(type="result", id=id, result="in time")
        os._exit(7)
    elif do == "exit0":
        os._exit(0)
    elif do == "signal":
        os.kill(os.getpid(), payload["signal"])
    elif do == "close-stdout":
        os.close(1)
        out.close()
        hang()
    elif do == "fork":
        child = subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1000; done"])
        say(type="progress", id=id, done=child.pid, total=os.getpid())
        if payload.get("then") == "exit":
            os._exit(5)
        hang()
    elif do == "orphans":
        child, daemon = orphans()
        say(type="progress", id=id, done=child, total=daemon)
        if payload.get("then") == "exit":
            os._exit(5)
        if payload.get("then") == "hang":
            hang()
        say(type="result", id=id, result=[child, daemon])
    elif do == "eat-until-killed":
        # By the kernel where it can be had, else as if by it.
        group = into_memory_group(payload["bytes"])
        say(type="progress", id=id, done=1 if group else 0, message=group or "no control group can be made here")
        ballast = bytearray(2 * payload["bytes"]) if group else os.kill(os.getpid(), signal.SIGKILL)
        hang()
    elif do == "eat-past-ulimit":
        resource.setrlimit(resource.RLIMIT_AS, (payload["bytes"], resource.RLIM_INFINITY))
        try:
            ballast = bytearray(2 * payload["bytes"])
        except MemoryError:
            say(type="error", id=id, kind="oom", error="MemoryError", message="the address space is full")
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    elif do == "flood-bytes":
        block = b"".join(b"%08d %s\n" % (n, b"y" * 1000) for n in range(1000))
        written = 0
        while written < payload["bytes"]:
            written += os.write(2, block)
        say(type="result", id=id, result=written)
    elif do == "flood-progress":
        for n in range(payload["times"]):
            say(type="progress", id=id, done=n, total=payload["times"], message="m" * 100)
        say(type="result", id=id)
    elif do == "deaf-hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say(type="progress", id=id, done=os.getpid(), total=0)
        hang()
    elif do == "eat":
        ballast = bytearray(payload["bytes"])
        hang()
    elif do == "flood":
        for i in range(payload["lines"]):
            sys.stderr.write("flood %d %s\n" % (i, "y" * 100))
        sys.stderr.write("z" * 100000 + "\n")
        sys.stderr.flush()
        if payload.get("then") == "exit":
            os._exit(6)
        say(type="result", id=id, result=payload["lines"])
    elif do == "hang":
        say(type="progress", id=id, done=os.getpid(), total=0)
        hang()
    elif do == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif do == "wait-for-cancel":
        say(type="progress", id=id, done=os.getpid(), total=0)
        said = json.loads(sys.stdin.readline())
        assert said == {"type": "cancel", "id": id}, said
        if payload.get("then") == "finish":
            say(type="result", id=id, result="finished anyway")
        else:
            say(type="error", id=id, kind="cancelled", message="as you wish")
    last = id
# End of the silo: a good worker would exit here.
if "deaf" in mode:
    hang()
