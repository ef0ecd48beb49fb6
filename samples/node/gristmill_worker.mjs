// A Gristmill worker on Node's standard library: copy it next to your code, and see word_count.mjs.
//   serve(async (payload, job) => result)   job: id, session_id, attempt, signal (aborted on cancel), progress(done, total, message)
// A handler that computes for long without an await is silent, and counts as hung after HeartbeatTimeoutSeconds.
// An error fails the attempt: with error.kind 'fatal' for good, otherwise to be tried again. Protocol: docs/worker-protocol.md.
import { createInterface } from 'node:readline';

const send = message => process.stdout.write(JSON.stringify(message) + '\n');
console.log = console.info = console.debug = console.error; // stdout is the protocol's, stderr the log

async function run(handle, message, signal) {
  const { id } = message;
  const payload = 'payload' in message ? message.payload : Buffer.from(message.payload_base64, 'base64');
  const progress = (done, total = 0, text) => send({ type: 'progress', id, done, total, message: text });
  try {
    send({ type: 'result', id, result: await handle(payload, { ...message, id: message.job_id, signal, progress }) });
  } catch (error) {
    const kind = signal.aborted ? 'cancelled' : error.kind ?? 'retry';
    send({ type: 'error', id, kind, error: error.name, message: error.message, detail: error.stack });
  }
}

export async function serve(handle) {
  let running = Promise.resolve(), current, cancel, silent = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    silent = 0;
    if (message.type === 'hello') {
      setInterval(() => {
        if (++silent * message.heartbeat_seconds > message.silo_timeout_seconds) process.exit(0); // the silo is frozen
        send({ type: 'heartbeat' });
      }, message.heartbeat_seconds * 1000);
      send({ type: 'ready', protocol: 1, heartbeat: true, watch: true });
    } else if (message.type === 'job') {
      [current, cancel] = [message.id, new AbortController()];
      running = run(handle, message, cancel.signal);
    } else if (message.type === 'cancel' && message.id === current) cancel.abort();
    else if (message.type === 'stop') { await running; break; }
  }
  process.exit(0); // told to stop, or the silo is gone
}
