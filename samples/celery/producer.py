"""The application's part, as it was: it sends tasks with Celery. python3 producer.py"""

import os

from celery import Celery

app = Celery("app", broker=os.environ["REDIS_URL"])


@app.task(name="speech.add", ignore_result=True)
def add(x, y):
    return x + y


if __name__ == "__main__":
    for result in (
        add.apply_async((1, 2), queue="speech"),
        add.apply_async(kwargs={"x": 3, "y": 4}, queue="speech", countdown=2),
    ):
        print(result.id)
