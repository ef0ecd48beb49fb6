"""Enqueues, watches, reads and cancels, as the README says."""
import os, sys, uuid
import gristmill

words = gristmill.Gristmill(os.environ["REDIS_URL"]).queue("words")

# One job, and the same again: an id makes that harmless.
id = sys.argv[1] if len(sys.argv) > 1 else uuid.uuid4().hex
payload = {"transcript": "to be or not to be"}
print(words.enqueue(payload, id=id))
print(words.enqueue(payload, id=id))

# Watch it until it has ended.
for job in words.watch(id):
    print(job["state"], *(job.get("progress") or []))
print(job["result"])

# Many in one step, each with an id of the client's making; and one that is cancelled before its time.
print([job.outcome for job in words.enqueue_many([{"transcript": text} for text in ("mill", "stone", "wheel")])])
later = words.enqueue({"transcript": "never", "run_at": "2999-01-01T00:00:00Z"})
print(words.cancel(later.id, "changed my mind"), words.wait(later.id)["header"].get("why"))
