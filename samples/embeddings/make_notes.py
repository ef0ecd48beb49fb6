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
