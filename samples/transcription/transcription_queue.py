"""What the application calls: the four functions of its old queue service, on redis-py and the HTTP API."""

import json
import os
import urllib.error
import urllib.request
from types import SimpleNamespace

import redis

QUEUE = os.environ.get("QUEUE_NAME", "transcription_jobs")
STATUS = {"queued": "queued", "running": "started", "completed": "finished", "dead": "failed", "cancelled": "canceled",
          "retrying": "scheduled", "scheduled": "scheduled", "deferred": "deferred"}
PRIORITY = {2: "high", 5: "normal", 8: "low"}
API = os.environ.get("GRISTMILL_URL", "http://127.0.0.1:8080") + "/api/queues/" + QUEUE


def enqueue_transcription_job(job_id, audio_file_path, lexicon_id, api_key_id=None, priority="normal", **limits):
    """limits: timeout, retry_count, retry_delay, in seconds and times. Needs no silo; the same job twice is one job. Gives its id as .id."""
    job = dict(limits, job_id=job_id, audio_file_path=audio_file_path, lexicon_id=lexicon_id, api_key_id=api_key_id, priority=priority)
    redis.Redis.from_url(os.environ["REDIS_URL"]).rpush(QUEUE, json.dumps(job))
    return SimpleNamespace(id=job_id)


def get_job_status(job_id):
    """The job in the words of the old service; None where there is none (yet: until a silo has taken it off the list)."""
    job = _call("GET", "/jobs/" + job_id)
    return job and {
        "job_id": job["id"],
        "status": STATUS[job["state"]],
        "created_at": job["enqueuedAt"],
        "started_at": job.get("startedAt"),
        "ended_at": job.get("finishedAt"),
        "result": job.get("result"),
        "exc_info": job["errors"][-1]["message"] if job.get("errors") else None,
        "meta": {"priority": PRIORITY.get(job["priority"], job["priority"]), "attempt": job["attempt"], "progress": job.get("progress")},
    }


def get_queue_stats():
    queue = _call("GET", "")
    counts, totals = queue["counts"], queue["totals"]
    return {
        "queue_name": QUEUE,
        "queued_count": counts["queued"] + sum(each.get("length") or 0 for each in queue.get("lists") or []),
        "started_count": counts["running"],
        "finished_count": totals["completed"],
        "failed_count": counts["dead"],
        "deferred_count": counts["deferred"],
        "scheduled_count": counts["scheduled"] + counts["retrying"],
    }


def cancel_job(job_id):
    """Whether it could still be cancelled."""
    try:
        return _call("POST", "/jobs/%s/cancel" % job_id) is not None
    except urllib.error.HTTPError as error:
        if error.code == 409:  # it has ended
            return False
        raise


def _call(method, path):
    try:
        with urllib.request.urlopen(urllib.request.Request(API + path, method=method)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
