"""Makes a database of notes to try the sample with: python3 make_notes.py COUNT"""

import os
import random
import sqlite3
import sys

WORDS = "mill river stone bread flour wheel grain miller tide harbor patient dose lecture order storm pilot".split()

count, chance = int(sys.argv[1]), random.Random(7)
with sqlite3.connect(os.environ["NOTES_DB"]) as db:
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER, content TEXT)")
    db.executemany("INSERT INTO notes (user_id, content) VALUES (1, ?)",
                   [(" ".join(chance.choices(WORDS, k=40)),) for _ in range(count)])
    db.execute("CREATE TABLE reminders (id INTEGER PRIMARY KEY, user_id INTEGER, note_id INTEGER, scheduled_at TEXT, status TEXT)")
    db.execute("INSERT INTO reminders (user_id, note_id, scheduled_at, status) VALUES (1, 1, '2025-11-20T08:00:00Z', 'pending')")
