-- place: where an admitted job goes: deferred while it waits for others, scheduled before its time, into the line of its
-- session, else ready.
-- Used by admit and enqueue, which say USES place. Rows are { seq, header, rest, after }; after: ids, a line each.

local function put_rows(rows)
  local seqs, records = {}, {}
  for i = 1, #rows do
    seqs[i] = rows[i].seq
    records[i] = rows[i].header .. rows[i].rest
  end
  put_records(seqs, records)
end

local function any_after(first, width)
  for i = first, #ARGV, width do
    if ARGV[i] ~= '' then return true end
  end
  return false
end

-- Gives rows, whose records are written, their place; some become dead letters instead.
local function place(rows, epoch, now)
  local ready, scheduled, deferred = {}, {}, {}
  for i = 1, #rows do
    local row = rows[i]
    placing[row.seq] = true
    local due = tonumber(string.match(row.header, '"due":(%d+)'))
    if row.after ~= '' then
      deferred[#deferred + 1] = row
    elseif due and due > now then
      scheduled[#scheduled + 1] = text(due)
      scheduled[#scheduled + 1] = row.seq
      note('scheduled', row.seq)
    else
      if not line_up(row.seq, row.header, now) then
        ready[#ready + 1] = ready_score(priority_of(row.header), row.seq)
        ready[#ready + 1] = row.seq
      end
      note('queued', row.seq)
    end
  end
  if #scheduled > 0 then call_many('ZADD', k_scheduled, scheduled) end
  if #ready > 0 then call_many('ZADD', k_ready, ready) end
  for i = 1, #deferred do
    local row = deferred[i]
    local parents, failed = outstanding(row.seq, row.after, epoch)
    local full = not failed and no_room_to_wait(parents)
    if failed or full then
      local header = failed and bury_failed(row.seq, row.header .. row.rest, failed, now)
          or bury(row.seq, row.header .. row.rest, 'too_many_dependents', 'Too many jobs wait for ' .. full .. ' already.', now)
      tell_dependents({ { row.seq, header, false } }, epoch, now)
    elseif #parents > 0 then
      wait_for(row.seq, parents)
      note('deferred', row.seq)
    else
      make_ready(row.seq, row.header, now)
    end
  end
  settle_sessions(now)
end
