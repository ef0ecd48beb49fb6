-- start: makes jobs ready whose time has come, then starts the first ready ones under this generation.
--
-- USES   sessions
-- KEYS   meta:hash running:hash leases:zset ready:zset scheduled:zset retrying:zset line:zset sessions:hash members:zset sessiondue:zset sticky:hash jobs:hash*16
-- ARGV   events control generation counter max_items max_bytes limit
--        limit: running jobs of the queue in the cluster, 0 for none
-- REPLY  status epoch now ready due jobs[]: how many stay ready, when the next job is due (Unix ms, empty for none),
--        and for each started job its number and its record
-- EVENT  queued seq … (those whose time has come), running seq …

local state = redis.call('HMGET', k_meta, 'epoch', 'state')
local epoch = state[1] or ''
if state[2] == 'paused' then return { PAUSED, epoch } end
if not redis.call('ZSCORE', k_leases, a_generation) then return { NO_LEASE, epoch } end

local now = server_now()
local stamp = text(now)
local due, waiting = {}, { k_scheduled, k_retrying }
for w = 1, 2 do due[w] = redis.call('ZRANGEBYSCORE', waiting[w], '-inf', stamp, 'LIMIT', 0, 500) end
local room, limit = tonumber(a_max_items), tonumber(a_limit)
if limit > 0 then room = math.min(room, limit - redis.call('HLEN', k_running)) end
local bad = session_policy() and any_wrong_shard() or wrong_shard(due[1]) or wrong_shard(due[2]) or room > 0 and wrong_shard(redis.call('ZRANGE', k_ready, 0, room - 1))
if bad then return bad end

-- What is ready is first marked so, then struck from where it waited.
for w = 1, 2 do
  if #due[w] > 0 then
    local records, ready = get_records(due[w]), {}
    for i = 1, #due[w] do
      local header = records[i] and split(records[i])
      -- One that waits for another attempt has its place in its session already.
      if header and not (w == 1 and line_up(due[w][i], header, now)) then
        ready[#ready + 1] = ready_score(priority_of(header), due[w][i])
        ready[#ready + 1] = due[w][i]
      end
      if header then note('queued', due[w][i]) end
    end
    if #ready > 0 then call_many('ZADD', k_ready, ready) end
    call_many('ZREM', waiting[w], due[w])
  end
end

settle_sessions(now)

local soonest = ''

-- The first ready ones, without those that another silo, which has served their session, is to start in a moment.
local function startable()
  if redis.call('HLEN', k_sticky) == 0 then return redis.call('ZRANGE', k_ready, 0, room - 1) end
  local seqs, found = redis.call('ZRANGE', k_ready, 0, 4 * room + 63), {}
  local stuck = get_many(k_sticky, seqs)
  for i = 1, #seqs do
    local generation, til = string.match(stuck[i] or '', '^(%S+) (%d+)$')
    local mine = not generation or generation == a_generation or tonumber(til) <= now or not redis.call('ZSCORE', k_leases, generation)
    if mine and #found < room then found[#found + 1] = seqs[i] end
    if not mine and (soonest == '' or tonumber(til) < tonumber(soonest)) then soonest = til end
  end
  return found
end

-- Records are read a few at a time, more while they are small, until the byte budget is spent; what is left stays ready.
local seqs = room > 0 and startable() or {}
local jobs, started, taken, bytes, at, chunk = {}, {}, {}, 0, 1, 1
local max_bytes = tonumber(a_max_bytes)
while at <= #seqs and bytes < max_bytes do
  local part, largest = {}, 0
  for i = at, math.min(at + chunk - 1, #seqs) do part[#part + 1] = seqs[i] end
  local records = get_records(part)
  for i = 1, #part do
    if bytes >= max_bytes then break end
    local record = records[i]
    taken[#taken + 1] = part[i]
    local header = record and split(record)
    -- One that has its outcome already only stood here still.
    if record and not outcome_of(header) then
      bytes = bytes + #record
      largest = math.max(largest, #record)
      jobs[#jobs + 1] = part[i]
      jobs[#jobs + 1] = record
      started[#started + 1] = part[i]
      started[#started + 1] = entry(a_counter, a_generation, (tonumber(string.match(header, '"a":(%d+)')) or 0) + 1, stamp, 's')
      note('running', part[i])
    end
  end
  at = at + #part
  chunk = largest > 16384 and 1 or math.min(chunk * 4, 32)
end

if #started > 0 then call_many('HSET', k_running, started) end
announce()
if #taken > 0 and redis.call('HLEN', k_sticky) > 0 then call_many('HDEL', k_sticky, taken) end
if #taken > 0 then call_many('ZREM', k_ready, taken) end

for w = 1, 2 do
  local head = redis.call('ZRANGE', waiting[w], 0, 0, 'WITHSCORES')
  if head[2] and (soonest == '' or tonumber(head[2]) < tonumber(soonest)) then soonest = text(tonumber(head[2])) end
end
return { OK, epoch, stamp, redis.call('ZCARD', k_ready), soonest, jobs }
