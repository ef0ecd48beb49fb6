-- complete: records the results of running jobs of this generation.
--
-- USES   replies sessions dependents
-- KEYS   meta:hash running:hash progress:hash cancels:hash finished:list outbox:list deferred:hash waiters:hash ready:zset scheduled:zset dead:zset line:zset sessions:hash members:zset sessiondue:zset sticky:hash jobs:hash*16
-- ARGV   events control generation outbox
--        outbox: how many messages for foreign lists follow, before the items: each the number of the job that it
--        belongs to (0 for none) and the entry; those of refused jobs are not sent
-- ITEMS  seq counter header result
-- REPLY  status epoch kept refused[]: records of finished jobs in the store, and the numbers whose lease was lost; a
--        result that this generation has already recorded is acknowledged
-- EVENT  completed seq …; of dependents: queued seq …, scheduled seq …; on the control channel: wake, outbox

local LOOK_BACK = 64 -- lines of the finished that are looked through after a call that ended in the midst

local first = FIRST + 2 * tonumber(a_outbox)
local seqs, at = each_once(first, 4)
local bad = wrong_shard(seqs) or wrong_dependents()
if bad then return bad end

local epoch = redis.call('HGET', k_meta, 'epoch') or ''
local running, records = get_many(k_running, seqs), get_records(seqs)
local done, written, ended, refused, mine = {}, {}, {}, {}, { ['0'] = true }
local again, any_again = {}, false
for n = 1, #seqs do
  local i = at[n]
  local record = records[n]
  local newline = record and string.find(record, '\n', 1, true)
  if not newline then record = nil end
  if record and holds(running[n], ARGV[i + 1], a_generation) then
    done[#done + 1] = seqs[n]
    if string.sub(record, 1, newline - 1) == ARGV[i + 2] then
      again[seqs[n]] = true
      any_again = true
    end
    written[#written + 1] = ARGV[i + 2] .. without_result(record, newline) .. ARGV[i + 3]
    ended[#ended + 1] = { seqs[n], ARGV[i + 2], true }
    mine[seqs[n]] = true
  elseif not (record and string.sub(record, 1, newline - 1) == ARGV[i + 2]) then
    refused[#refused + 1] = seqs[n]
  end
end

local kept = tonumber(redis.call('HGET', k_meta, 'finished') or '0')
if #done > 0 then
  local now = server_now()
  even_without_memory(k_progress)
  -- What a call that ended in the midst has already put among the finished is not put there, nor counted, twice.
  local fresh = done
  if any_again then
    local last = ' ' .. table.concat(redis.call('LRANGE', k_finished, -LOOK_BACK, -1), ' ') .. ' '
    fresh = {}
    for n = 1, #done do
      if not (again[done[n]] and string.find(last, ' ' .. done[n] .. ' ', 1, true)) then fresh[#fresh + 1] = done[n] end
    end
  end
  if #fresh > 0 then
    count('completed', #fresh)
    kept = redis.call('HINCRBY', k_meta, 'finished', #fresh)
  end
  put_records(done, written)
  for i = FIRST, first - 1, 2 do
    if mine[ARGV[i]] then redis.call('RPUSH', k_outbox, ARGV[i + 1]) end
  end
  if #fresh > 0 then redis.call('RPUSH', k_finished, finished_line(now, fresh)) end
  local woken = tell_dependents(ended, epoch, now)
  sessions_ended(ended, now, a_generation)
  woken = woken + settle_sessions(now)
  redis.call('PUBLISH', a_events, 'completed ' .. table.concat(done, ' '))
  announce()
  announce_replies()
  if woken > 0 then redis.call('PUBLISH', a_control, 'wake') end
  if redis.call('HLEN', k_progress) > 0 then call_many('HDEL', k_progress, done) end
  if redis.call('HLEN', k_cancels) > 0 then call_many('HDEL', k_cancels, done) end
  call_many('HDEL', k_running, done)
end
return { OK, epoch, kept, refused }
