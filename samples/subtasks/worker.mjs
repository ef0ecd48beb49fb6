// The subtasks of "count the words of a document": split it, count each part, merge the counts. They hand their work on in
// files of a folder for each task, and a subtask that runs twice writes the same again.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serve } from '../node/gristmill_worker.mjs';

const folderOf = task => join(process.env.WORK, encodeURIComponent(task));
const fatal = message => Object.assign(new Error(message), { kind: 'fatal' });

const steps = {
  async split({ task_id, document, parts }) {
    const lines = (await readFile(document, 'utf8')).split('\n');
    const each = Math.ceil(lines.length / parts);
    await mkdir(folderOf(task_id), { recursive: true });
    for (let part = 0; part < parts; part++) {
      await writeFile(join(folderOf(task_id), `part-${part}`), lines.slice(part * each, (part + 1) * each).join('\n'));
    }
    return { lines: lines.length };
  },

  async count({ task_id, part }) {
    const text = await readFile(join(folderOf(task_id), `part-${part}`), 'utf8');
    const counts = {};
    for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) counts[word] = (counts[word] ?? 0) + 1;
    await writeFile(join(folderOf(task_id), `counts-${part}`), JSON.stringify(counts));
    return { words: Object.values(counts).reduce((sum, n) => sum + n, 0) };
  },

  async merge({ task_id, parts }, job) {
    const all = {};
    for (let part = 0; part < parts; part++) {
      const counts = JSON.parse(await readFile(join(folderOf(task_id), `counts-${part}`), 'utf8'));
      for (const [word, n] of Object.entries(counts)) all[word] = (all[word] ?? 0) + n;
      job.progress(part + 1, parts);
    }
    return { counts: all };
  },
};

serve((subtask, job) => {
  if (!Object.hasOwn(steps, subtask.step)) throw fatal(`there is no step '${subtask.step}'`);
  return steps[subtask.step](subtask, job);
});
