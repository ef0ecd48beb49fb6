"""Regenerates the embeddings of a user's notes. Try it: NOTES_DB=/tmp/notes/notes.db python3 worker.py --try job.json"""

import array
import os
import sqlite3

from embedding import Model
from gristmill_worker import Fatal, handler, run

BATCH = 50


@handler
class Regenerate:
    def setup(self):
        self.model = Model()
        self.db = sqlite3.connect(os.environ["NOTES_DB"], isolation_level=None)
        self.db.execute("CREATE TABLE IF NOT EXISTS embeddings (note_id INTEGER PRIMARY KEY, job_id TEXT, vector BLOB)")

    def handle(self, order, job):
        """{"job_id": "...", "user_id": 1} -> {"embeddings_generated": 150, "failed_notes": 0}"""
        if not isinstance(order, dict) or "user_id" not in order:
            raise Fatal('the payload must have a "user_id"')
        notes = self.db.execute("SELECT id, content FROM notes WHERE user_id = ? ORDER BY id", (order["user_id"],)).fetchall()
        # An attempt that was lost with its worker goes on here behind the last batch that it wrote.
        done = {note for note, in self.db.execute("SELECT note_id FROM embeddings WHERE job_id = ?", (job.id,))}
        job.log("Starting embedding regeneration task for user %s, job %s..." % (order["user_id"], job.id))
        job.log("Processing %d notes for user %s" % (len(notes), order["user_id"]))
        processed = failed = 0
        for start in range(0, len(notes), BATCH):
            job.check_cancelled()
            batch = notes[start:start + BATCH]
            failed += self._write([note for note in batch if note[0] not in done], job)
            processed += len(batch)
            status = "%d/%d processed, %d failed, %.0f%% done" % (processed, len(notes), failed, 100 * processed / len(notes))
            job.progress(processed, len(notes), status)
            job.log("Batch complete: " + status)
        job.log("Embedding regeneration complete: %d succeeded, %d failed" % (processed - failed, failed))
        return {"embeddings_generated": processed - failed, "failed_notes": failed}

    def _write(self, notes, job):
        """One batch in one transaction; gives how many notes of it failed."""
        rows = []
        for note, content in notes:
            try:
                vector, = self.model.embed([content])
            except ValueError as error:
                job.log("note %d: %s" % (note, error), "warning")
            else:
                rows.append((note, job.id, array.array("f", vector).tobytes()))
        self.db.execute("BEGIN")
        self.db.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", rows)
        self.db.execute("COMMIT")
        return len(notes) - len(rows)


if __name__ == "__main__":
    run()
