-- enqueue: makes records of jobs that a client hands over, and gives them their place among the admitted.
--
-- USES   ids dependents place
-- KEYS   meta:hash ids:hash idlog:list ready:zset scheduled:zset deferred:hash waiters:hash dead:zset finished:list jobs:hash*16
-- ARGV   events control epoch id_window max_ready
--        epoch: used when the queue has none yet; id_window: how long an id is remembered, ms; max_ready: ready jobs
--        that the queue may hold, 0 for no bound
-- ITEMS  id fingerprint after header payload
-- REPLY  status epoch verdicts[] seqs[]: for each item 0 new, 1 the job of that id exists, 2 it exists with another
--        payload (nothing was written), 3 it was cancelled before it came; and the job's number
-- EVENT  queued seq …

local state = redis.call('HMGET', k_meta, 'epoch', 'seq')
local epoch, seq = state[1] or a_epoch, tonumber(state[2] or '0')
local total = (#ARGV - FIRST + 1) / 5
if tonumber(a_max_ready) > 0 and redis.call('ZCARD', k_ready) + total > tonumber(a_max_ready) then
  return { NO_ROOM, epoch }
end
local ids, possible = {}, {}
for n = 1, total do
  ids[n] = ARGV[FIRST + (n - 1) * 5]
  possible[n] = seq + n
end
local bad = wrong_shard(possible) or wrong_dependents()
if bad then return bad end

local now = server_now()
local known = get_many(k_ids, ids)
local verdicts, seqs, register, rows, cancelled, told, seen = {}, {}, {}, {}, {}, {}, {}
for n = 1, total do
  local i = FIRST + (n - 1) * 5
  local id, fingerprint = ids[n], ARGV[i + 1]
  local own = text(seq + 1)
  local verdict, owner = NEW, own
  if id ~= '' then verdict, owner = verdict_of(seen[id] or known[n], own, fingerprint) end
  verdicts[n], seqs[n] = verdict, owner
  if verdict == NEW or verdict == CANCELLED then
    seq = seq + 1
    if id ~= '' then
      register[#register + 1] = { id = id, seq = own, fingerprint = fingerprint }
      seen[id] = own .. ' ' .. fingerprint .. ' 0'
    end
    local given = ARGV[i + 3]
    local header = '{"e":' .. text(now) .. (given == '{}' and '}' or ',' .. string.sub(given, 2))
    if verdict == NEW then
      rows[#rows + 1] = { seq = own, header = header, rest = '\n' .. ARGV[i + 4], after = ARGV[i + 2] }
      told[#told + 1] = own
    else
      cancelled[#cancelled + 1] = own
      cancelled[#cancelled + 1] = string.sub(header, 1, -2) .. ',"st":"x","t1":' .. text(now) .. '}\n' .. ARGV[i + 4]
    end
  end
end

redis.call('HSET', k_meta, 'seq', text(seq), 'epoch', epoch)
register_ids(register, text(now + tonumber(a_id_window)))
local buried = 0
if #rows > 0 then buried = place(rows, epoch, now) end
local ended = {}
for i = 1, #cancelled, 2 do
  put_records({ cancelled[i] }, { cancelled[i + 1] })
  ended[#ended + 1] = cancelled[i]
end
if #ended > 0 then redis.call('RPUSH', k_finished, finished_line(now, ended)) end
count('enqueued', #rows + #ended, 'duplicates', total - #rows - #ended, 'dead', buried, 'cancelled', #ended, 'finished', #ended)
if #told > 0 then
  redis.call('PUBLISH', a_events, 'queued ' .. table.concat(told, ' '))
  redis.call('PUBLISH', a_control, 'wake')
end
return { OK, epoch, verdicts, seqs }
