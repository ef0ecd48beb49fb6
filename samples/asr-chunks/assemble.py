"""Makes one transcript of a session's results, which come in order. Try it: python3 assemble.py --try session.json"""

from gristmill_worker import handler, run


@handler
def assemble(session, job):
    """{"session_id": "s1", "results": [{"order": 1, "result": {"text": "..."}}, ...]} -> {"session_id": "s1", "text": "..."}"""
    texts = [r["result"]["text"] for r in session["results"] if r["result"]]
    return {"session_id": session["session_id"], "chunks": len(texts), "missing": session["missing"], "text": ", ".join(texts)}


if __name__ == "__main__":
    run()
