"""A client of Gristmill in one file, on python3-redis; docs/redis-protocol.md says all that it relies on.

    mill = Gristmill("redis://localhost:6379/0")
    job = mill.queue("asr").enqueue({"chunk": 7}, id="s1-7")
    print(mill.queue("asr").wait(job.id)["result"])

It speaks to Redis alone. The scripts come from Redis, where silos keep them, or from a file of `gristmill scripts export`.
"""
import base64, collections, hashlib, json, re, secrets, time
import redis

PROTOCOL = 1  # the first number of the protocol's version
RULES = {"maxPayloadBytes": 1 << 20, "allowOpaque": False, "idWindowMs": 86_400_000, "maxWaiting": 100_000,
         "fields": {"jobId": "job_id", "queuedAt": "queued_at", "traceParent": "traceparent", "traceState": "tracestate"}}
STATES = {"c": "completed", "d": "dead", "x": "cancelled"}
Job = collections.namedtuple("Job", "id outcome")  # created, existing, conflict or cancelled

class GristmillError(Exception): """Something was refused; nothing was changed."""
class QueueFull(GristmillError): """The queue holds as many ready or waiting jobs as it may."""
class IdConflict(GristmillError): """The id belongs to a job with another payload."""
class TooLarge(GristmillError): """The payload is larger than the queue takes."""

class Gristmill:
    def __init__(self, url, service="default", scripts=None):
        # A call whose answer was lost is made again: every job has an id, so that makes no second job.
        retry = redis.retry.Retry(redis.backoff.ExponentialBackoff(cap=1, base=0.05), 5)
        self.redis = redis.Redis.from_url(url, retry=retry, retry_on_error=[redis.ConnectionError, redis.TimeoutError])
        self.database = self.redis.connection_pool.connection_kwargs.get("db", 0)
        self.service, self.exported, self.loaded = service, scripts, {}

    def queue(self, name): return Queue(self, name)

    def script(self, verb):
        if verb in self.loaded:
            return self.loaded[verb]
        if self.exported:
            protocol, schema, script = self.exported["protocol"], self.exported["schema"], self.exported["scripts"][verb]
        else:
            found = self.redis.hmget(f"gristmill:{self.service}:scripts", "protocol", "schema", verb)
            if None in found:
                raise GristmillError(f"No silo of the service '{self.service}' has run on this Redis yet: start one, or export the scripts.")
            protocol, schema, script = found[0].decode(), found[1].decode(), json.loads(found[2])
        if int(protocol.split(".")[0]) != PROTOCOL:
            raise GristmillError(f"The silos speak protocol {protocol}; this client speaks {PROTOCOL}.")
        self.loaded[verb] = script, self.redis.register_script(script["body"]), schema
        return self.loaded[verb]

class Queue:
    def __init__(self, mill, name):
        self.mill, self.name, self.prefix = mill, name, f"gristmill:{mill.service}:{{{name}}}:"

    def enqueue(self, payload, id=None):
        job = self.enqueue_many([payload], [id])[0]
        if job.outcome != "conflict": return job
        raise IdConflict(f"The queue '{self.name}' has a job with the id '{job.id}' and another payload.")

    def enqueue_many(self, payloads, ids=None, max_ready=1_000_000):
        """Up to 1,000 jobs in one step. Payloads are bytes, text or what json can write."""
        rules, items, names = self.rules(), [], []
        for payload, id in zip(payloads, ids or [None] * len(payloads)):
            raw = payload if isinstance(payload, bytes) else (payload if isinstance(payload, str) else json.dumps(payload)).encode()
            if len(raw) > rules["maxPayloadBytes"]:
                raise TooLarge(f"The payload has {len(raw)} bytes; the queue '{self.name}' takes at most {rules['maxPayloadBytes']}.")
            own = payload.get(rules["fields"]["jobId"]) if isinstance(payload, dict) else None
            names.append(str(own or id or secrets.token_hex(16)))
            # raw: the silo that starts the job reads what the payload says (priority, session, run_at, …).
            items.append({"id": names[-1], "fingerprint": fingerprint(raw, rules["fields"]), "after": "",
                          "header": json.dumps({"raw": 1, "id": names[-1]}, separators=(",", ":")), "payload": raw})
        status, *rest = self.call("enqueue", items, epoch=secrets.token_hex(4), max_ready=max_ready,
                                  id_window=rules["idWindowMs"], max_waiting=rules["maxWaiting"])
        if status in (5, 7):
            raise QueueFull(f"The queue '{self.name}' has no room for {len(items)} more jobs.")
        self.mill.redis.sadd(f"gristmill:{self.mill.service}:queues", self.name)
        return [Job(name, ("created", "existing", "conflict", "cancelled")[verdict]) for name, verdict in zip(names, rest[1])]

    def cancel(self, id, reason=""):
        """cancelled, requested (it runs; its silo was told), ended, remembered (for when it comes) or unknown."""
        return self.call("cancel", [{"id": id}], id_window=self.rules()["idWindowMs"], reason=reason)[2][0].decode()

    def get(self, id):
        """The job: id, number, state, header, payload, result; None when there is none."""
        epoch, state = self.mill.redis.hmget(self.prefix + "meta", "epoch", "state")
        entry = self.mill.redis.hget(self.prefix + "ids", id)
        owner = entry.split(b" ")[0] if entry else None
        own = re.fullmatch(re.escape((epoch or b"").decode()) + r"-(\d+)", id)
        number = int(owner) if owner and owner != b"x" else int(own[1]) if own and epoch else None
        record = number is not None and self.mill.redis.hget(f"{self.prefix}jobs:{number // 512 % 16}", number)
        if not record:
            return None
        header, _, rest = record.partition(b"\n")
        header = json.loads(header)
        end = header.get("n", len(rest))
        return {"id": id, "number": number, "state": STATES.get(header.get("st")) or self.place(number), "header": header,
                "payload": rest[:end], "result": json.loads(rest[end:]) if rest[end:] else None, "paused": state == b"paused"}

    def place(self, number):
        """Without an outcome the index that names a job is its state."""
        pipe = self.mill.redis.pipeline(transaction=False).hexists(self.prefix + "running", number)
        pipe.hexists(self.prefix + "deferred", number).zscore(self.prefix + "scheduled", number).zscore(self.prefix + "retrying", number)
        found = [place not in (None, False, 0) for place in pipe.execute()]
        return next((state for state, here in zip(("running", "deferred", "scheduled", "retrying"), found) if here), "queued")

    def watch(self, id, timeout=60):
        """The job now, then again with each change, with "progress" ([done, total, message]) while it runs, until it has ended."""
        with self.mill.redis.pubsub(ignore_subscribe_messages=True) as events:
            events.subscribe(f"{self.prefix}events@{self.mill.database}")
            events.get_message(timeout=5)  # its confirmation: from now on nothing is missed
            job, until = self.get(id), time.monotonic() + timeout
            while job and job["state"] not in STATES.values() and time.monotonic() < until:
                yield job
                while time.monotonic() < until:
                    message = events.get_message(timeout=5)  # a lost message: it is read again after 5 s
                    verb, *words = message["data"].decode().split(" ", 2) if message else ["", str(job["number"])]
                    if str(job["number"]) in (words[:1] if verb == "progress" else " ".join(words).split(" ")): break
                else: verb = ""
                progress = json.loads(words[1]) if verb == "progress" else None
                job = {**job, "state": "running", "progress": progress} if progress else self.get(id)
            if job is None: raise GristmillError(f"The queue '{self.name}' has no job '{id}'.")
            yield job

    def wait(self, id, timeout=60): return list(self.watch(id, timeout))[-1]

    def rules(self): return json.loads(self.mill.redis.hget(self.prefix + "meta", "rules") or "null") or RULES

    def call(self, verb, items, **arguments):
        script, call, schema = self.mill.script(verb)
        known = {channel: f"{self.prefix}{channel}@{self.mill.database}" for channel in ("events", "control")} | {"schema": schema} | arguments
        values = [known.get(name, "") for name in script["arguments"]] + [item.get(name, "") for item in items for name in script["items"]]
        reply = call(keys=[self.prefix + key for key in script["keys"]], args=values)
        if reply[0] in (3, 6):
            wrong = b", ".join(reply[1:]).decode()
            raise GristmillError(f"A key is of the wrong type: {wrong}." if reply[0] == 3 else f"The queue has another schema than {schema}: {wrong}.")
        return reply

def fingerprint(raw, fields):
    """What makes two payloads of one id the same job: the members as they stand, without those that change with each push."""
    digest, decoder = hashlib.sha256(), json.JSONDecoder()
    try:
        text, left_out = raw.decode(), {fields[name] for name in ("queuedAt", "traceParent", "traceState")}
        at = re.compile(r"\s*\{\s*").match(text).end()
        while text[at] != "}":
            name, end = decoder.raw_decode(text, at)
            start = re.compile(r"\s*:\s*").match(text, end).end()
            _, stop = decoder.raw_decode(text, start)
            if name not in left_out:
                digest.update(text[at + 1:end - 1].encode() + b"\0" + text[start:stop].encode() + b"\0")
            at = re.compile(r"\s*,?\s*").match(text, stop).end()
    except (ValueError, AttributeError, IndexError):
        digest = hashlib.sha256(raw)
    return base64.urlsafe_b64encode(digest.digest()[:12]).decode()
