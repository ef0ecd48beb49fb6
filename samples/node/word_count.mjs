// Counts the words of a transcript: gristmill silo --queue words --worker 'node samples/node/word_count.mjs'
import { serve } from './gristmill_worker.mjs';

serve(async (payload, job) => {
  if (typeof payload.transcript !== 'string') {
    throw Object.assign(new Error('the payload must have a text "transcript"'), { kind: 'fatal' });
  }
  const words = payload.transcript.toLowerCase().match(/[\p{L}\p{N}]+(['’][\p{L}\p{N}]+)*/gu) ?? [];
  job.progress(words.length, words.length, 'counting');
  return { words: words.length, unique: new Set(words).size };
});
