"""Runs Celery's tasks as jobs of a queue with Dialect: Celery. Try it: python3 worker.py --try message.json"""

import base64
import json

from gristmill_worker import Fatal, handler, run


def add(x, y):
    return x + y


TASKS = {"speech.add": add}


@handler
def handle(message, job):
    """One message as Celery pushed it: the task's name and id in headers, [args, kwargs, …] as JSON in base64 in body."""
    name, form = message["headers"]["task"], message["content-type"]
    if name not in TASKS:
        raise Fatal("no task here is called %r" % name)
    if form != "application/json" or message["headers"].get("compression"):
        raise Fatal("the task is not plain JSON but %s; set task_serializer to json, and no compression" % form)
    args, kwargs, _ = json.loads(base64.b64decode(message["body"]))
    return TASKS[name](*args, **kwargs)


if __name__ == "__main__":
    run()
