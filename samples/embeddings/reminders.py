"""Sends the reminders that are due: one job looks at all. Try it: echo '{}' | NOTES_DB=/tmp/notes.db python3 reminders.py --try -"""

import os
import sqlite3
import time

from gristmill_worker import handler, run


@handler
class SendDue:
    def setup(self):
        self.db = sqlite3.connect(os.environ["NOTES_DB"], isolation_level=None)

    def handle(self, order, job):
        """{} -> {"sent": 1, "failed": 0}"""
        job.log("Checking for due reminders...")
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        due = self.db.execute("SELECT id, note_id, user_id FROM reminders WHERE status = 'pending' AND scheduled_at <= ? ORDER BY id", (now,)).fetchall()
        job.log("Found %d due reminders" % len(due))
        sent = failed = 0
        for reminder, note, user in due:
            job.check_cancelled()
            try:
                self._send(reminder, note, user, job)
            except Exception as error:  # one that cannot be sent must not keep the others waiting
                job.log("Failed to send reminder %d: %s" % (reminder, error), "error")
                failed += 1
            else:
                sent += 1
            job.progress(sent + failed, len(due))
        job.log("Reminder processing complete: %d sent, %d failed" % (sent, failed))
        return {"sent": sent, "failed": failed}

    def _send(self, reminder, note, user, job):
        """In place of a mail: a line in the log. Marked before it is sent, so that an attempt that is lost sends none twice."""
        if self.db.execute("SELECT 1 FROM notes WHERE id = ?", (note,)).fetchone() is None:
            self.db.execute("UPDATE reminders SET status = 'failed' WHERE id = ?", (reminder,))
            raise LookupError("there is no note %d" % note)
        self.db.execute("UPDATE reminders SET status = 'sent' WHERE id = ?", (reminder,))
        job.log("Sending reminder %d for note %d to user %d" % (reminder, note, user))


if __name__ == "__main__":
    run()
