-- start: makes jobs ready whose time has come, then starts the first ready ones under this generation.
--
-- KEYS   meta:hash running:hash leases:zset ready:zset scheduled:zset retrying:zset jobs:hash*16
-- ARGV   events generation counter max_items max_bytes limit
--        limit: running jobs of the queue in the cluster, 0 for none
-- REPLY  status epoch now ready due jobs[]: how many stay ready, when the next job is due (Unix ms, empty for none),
--        and for each started job its number and its record
-- EVENT  running seq …

local state = redis.call('HMGET', k_meta, 'epoch', 'state')
local epoch = state[1] or ''
if state[2] == 'paused' then return { PAUSED, epoch } end
if not redis.call('ZSCORE', k_leases, a_generation) then return { NO_LEASE, epoch } end

local now = server_now()
local stamp = text(now)
local due, waiting = {}, { k_scheduled, k_retrying }
for w = 1, 2 do due[w] = redis.call('ZRANGEBYSCORE', waiting[w], '-inf', stamp, 'LIMIT', 0, 500) end
for w = 1, 2 do
  local bad = wrong_shard(due[w])
  if bad then return bad end
end

-- What is ready is first marked so, then struck from where it waited.
for w = 1, 2 do
  if #due[w] > 0 then
    local records, ready = get_records(due[w]), {}
    for i = 1, #due[w] do
      if records[i] then
        ready[#ready + 1] = ready_score(priority_of((split(records[i]))), due[w][i])
        ready[#ready + 1] = due[w][i]
      end
    end
    if #ready > 0 then call_many('ZADD', k_ready, ready) end
    call_many('ZREM', waiting[w], due[w])
  end
end

local room, limit = tonumber(a_max_items), tonumber(a_limit)
if limit > 0 then room = math.min(room, limit - redis.call('HLEN', k_running)) end
local seqs = room > 0 and redis.call('ZRANGE', k_ready, 0, room - 1) or {}
local bad = wrong_shard(seqs)
if bad then return bad end

-- Records are read a few at a time until the byte budget is spent; what is left stays ready.
local jobs, started, taken, bytes, at = {}, {}, {}, 0, 1
while at <= #seqs and bytes < tonumber(a_max_bytes) do
  local part = {}
  for i = at, math.min(at + 15, #seqs) do part[#part + 1] = seqs[i] end
  local records = get_records(part)
  for i = 1, #part do
    taken[#taken + 1] = part[i]
    if records[i] then
      local attempt = (tonumber(string.match((split(records[i])), '"a":(%d+)')) or 0) + 1
      bytes = bytes + #records[i]
      jobs[#jobs + 1] = part[i]
      jobs[#jobs + 1] = records[i]
      started[#started + 1] = part[i]
      started[#started + 1] = entry(a_counter, a_generation, attempt, stamp, 's')
    end
  end
  at = at + #part
end

if #started > 0 then
  call_many('HSET', k_running, started)
  local line = {}
  for i = 1, #started, 2 do line[#line + 1] = started[i] end
  redis.call('PUBLISH', a_events, 'running ' .. table.concat(line, ' '))
end
if #taken > 0 then call_many('ZREM', k_ready, taken) end

local soonest = ''
for w = 1, 2 do
  local head = redis.call('ZRANGE', waiting[w], 0, 0, 'WITHSCORES')
  if head[2] and (soonest == '' or tonumber(head[2]) < tonumber(soonest)) then soonest = text(tonumber(head[2])) end
end
return { OK, epoch, stamp, redis.call('ZCARD', k_ready), soonest, jobs }
