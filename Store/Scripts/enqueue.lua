-- enqueue: makes records of jobs that a client hands over, and gives them their place among the admitted.
--
-- USES   ids replies sessions dependents place waiting
-- KEYS   meta:hash running:hash ids:hash idlog:list ready:zset scheduled:zset retrying:zset deferred:hash waiters:hash dead:zset finished:list outbox:list line:zset sessions:hash members:zset sessiondue:zset sticky:hash jobs:hash*16
-- ARGV   events control epoch schema id_window max_ready max_waiting
--        epoch: used when the queue has none yet; id_window: how long an id is remembered, ms; max_ready: ready jobs
--        that the queue may hold, 0 for no bound; max_waiting: the same of those that wait for their time, for other jobs
--        or for another attempt
-- ITEMS  id fingerprint after header payload
-- REPLY  status epoch verdicts[] seqs[] now: for each item 0 new, 1 the job of that id exists, 2 it exists with another
--        payload (nothing was written), 3 it was cancelled before it came; and the job's number; the time, Unix ms. With status SCHEMA, the
--        schema found instead; with NO_ROOM and WAITING_FULL nothing was written
-- EVENT  queued seq …, scheduled seq …, deferred seq …, dead seq …, cancelled seq …; on the control channel: wake, outbox

local state = redis.call('HMGET', k_meta, 'epoch', 'seq', 'schema')
local epoch, seq = state[1] or a_epoch, last_number(state[2], state[1])
local first = seq
if state[3] and state[3] ~= a_schema then return { SCHEMA, epoch, state[3] } end
local total = (#ARGV - FIRST + 1) / 5
if tonumber(a_max_ready) > 0 and redis.call('ZCARD', k_ready) + redis.call('ZCARD', k_line) + total > tonumber(a_max_ready) then
  return { NO_ROOM, epoch }
end
local now, waits = server_now(), 0
for i = FIRST, #ARGV, 5 do
  if ARGV[i + 2] ~= '' or (tonumber(string.match(ARGV[i + 3], '"due":(%d+)') or '0')) > now then waits = waits + 1 end
end
if waits > 0 and tonumber(a_max_waiting) > 0 and waiting_count() + waits > tonumber(a_max_waiting) then
  return { WAITING_FULL, epoch }
end
local ids, possible = {}, {}
for n = 1, total do
  ids[n] = ARGV[FIRST + (n - 1) * 5]
  possible[n] = seq + n
end
local known, owners = get_many(k_ids, ids), {}
for n = 1, total do owners[#owners + 1] = string.match(known[n] or '', '^%d+') end
local bad = wrong_shard(possible) or wrong_shard(owners) or wrong_dependents(any_after(FIRST + 2, 5))
if bad then return bad end

-- A job that is there already, but has no place: an earlier try of this step ended in the midst. One in the line of its session
-- is put there again, since its session may not have been told.
local function without_place(owner)
  local record = get_records({ owner })[1]
  if not record then return nil end
  local header, rest = split(record)
  local outcome = outcome_of(header)
  if outcome and (outcome ~= 'd' or redis.call('ZSCORE', k_dead, owner)) or redis.call('HEXISTS', k_running, owner) == 1 or redis.call('HEXISTS', k_deferred, owner) == 1
      or redis.call('ZSCORE', k_ready, owner) or redis.call('ZSCORE', k_scheduled, owner)
      or redis.call('ZSCORE', k_retrying, owner) then
    return nil
  end
  return { seq = owner, header = header, rest = rest, after = table.concat(cjson.decode(header).dep or {}, '\n') }
end

local verdicts, seqs, register, rows, again, cancelled, ended, seen = {}, {}, {}, {}, {}, {}, {}, {}
for n = 1, total do
  local i = FIRST + (n - 1) * 5
  local id, fingerprint = ids[n], ARGV[i + 1]
  local own = text(seq + 1)
  local verdict, owner = NEW, own
  if id ~= '' then verdict, owner = verdict_of(seen[id] or known[n], own, fingerprint, id, epoch) end
  verdicts[n], seqs[n] = verdict, owner
  if verdict == DUPLICATE and not seen[id] then
    again[#again + 1] = without_place(owner)
  elseif verdict == NEW or verdict == CANCELLED then
    seq = seq + 1
    if id ~= '' then
      register[#register + 1] = { id = id, seq = own, fingerprint = fingerprint }
      seen[id] = own .. ' ' .. fingerprint .. ' 0'
    end
    local given = ARGV[i + 3]
    local header = '{"e":' .. text(now) .. (given == '{}' and '}' or ',' .. string.sub(given, 2))
    local row = { seq = own, header = header, rest = '\n' .. ARGV[i + 4], after = ARGV[i + 2] }
    if verdict == NEW then
      rows[#rows + 1] = row
    else
      row.header = string.sub(header, 1, -2) .. ',"st":"x","t1":' .. text(now) .. '}'
      cancelled[#cancelled + 1] = row
      ended[#ended + 1] = own
      note('cancelled', own)
    end
  end
end

note_last(state[2], first, epoch)
count('enqueued', #rows + #ended, 'duplicates', total - #rows - #ended, 'cancelled', #ended, 'finished', #ended)
put_rows(rows)
put_rows(cancelled)
redis.call('HSET', k_meta, 'seq', text(seq), 'epoch', epoch, 'schema', a_schema)
for n = 1, #cancelled do tell_reply(cancelled[n].seq, cancelled[n].header, cancelled[n].rest) end
if #ended > 0 then redis.call('RPUSH', k_finished, finished_line(now, ended)) end
register_ids(register, text(now + tonumber(a_id_window)))
for i = 1, #again do rows[#rows + 1] = again[i] end
place(rows, epoch, now)
announce()
announce_replies()
if #rows > 0 then redis.call('PUBLISH', a_control, 'wake') end
return { OK, epoch, verdicts, seqs, text(now) }
