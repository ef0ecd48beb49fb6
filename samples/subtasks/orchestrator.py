"""The orchestrator's part: one task becomes subtasks, LPUSHed in any order. python3 orchestrator.py TASK DOCUMENT PARTS"""

import json
import os
import sys

import redis

QUEUE = "agent_system_work_queue"

task, document, parts = sys.argv[1], sys.argv[2], int(sys.argv[3])
count = ["%s-count-%d" % (task, part) for part in range(parts)]
subtasks = [{"subtask_id": task + "-merge", "step": "merge", "parts": parts, "depends_on": count}]
subtasks += [{"subtask_id": name, "step": "count", "part": part, "depends_on": [task + "-split"]} for part, name in enumerate(count)]
subtasks += [{"subtask_id": task + "-split", "step": "split", "document": document, "parts": parts}]

client = redis.Redis.from_url(os.environ["REDIS_URL"])
for subtask in subtasks:
    client.lpush(QUEUE, json.dumps(dict(subtask, task_id=task)))
print("Created task %s with %d subtasks" % (task, len(subtasks)))
