-- place: where an admitted job goes: deferred while it waits for others, scheduled before its time, else ready.
-- Used by admit and enqueue, which say USES place.

-- rows of { seq, header, rest, after, id }; writes records, then indexes. Returns how many became dead.
local function place(rows, epoch, now)
  local seqs, records, ready, scheduled, buried = {}, {}, {}, {}, 0
  local deferred = {}
  for i = 1, #rows do
    local row = rows[i]
    seqs[i] = row.seq
    records[i] = row.header .. row.rest
    local due = tonumber(string.match(row.header, '"due":(%d+)'))
    if row.after ~= '' then
      deferred[#deferred + 1] = row
    elseif due and due > now then
      scheduled[#scheduled + 1] = text(due)
      scheduled[#scheduled + 1] = row.seq
    else
      ready[#ready + 1] = ready_score(priority_of(row.header), row.seq)
      ready[#ready + 1] = row.seq
    end
  end
  put_records(seqs, records)
  if #scheduled > 0 then call_many('ZADD', k_scheduled, scheduled) end
  if #ready > 0 then call_many('ZADD', k_ready, ready) end
  for i = 1, #deferred do
    local row = deferred[i]
    local parents, failed = outstanding(row.after, epoch)
    if failed then
      row.header = bury_dependent(row.seq, row.header .. row.rest, failed, now)
      local _, more = tell_dependents({ { row.seq, row.header, false } }, epoch, now)
      buried = buried + 1 + more
    elseif #parents > 0 then
      wait_for(row.seq, parents)
    else
      make_ready(row.seq, row.header, now)
    end
  end
  return buried
end
