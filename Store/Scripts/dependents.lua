-- dependents: jobs that wait for other jobs. The deferred hash maps a waiting job's number to how many parents it
-- still waits for; the waiters hash maps a parent's id to the numbers that wait for it.
-- Used by scripts that say USES dependents.

-- A reply when a shard is of the wrong type and dependents would be written; nil when all is well.
local function wrong_dependents()
  if redis.call('HLEN', k_waiters) == 0 then return nil end
  local all = {}
  for shard = 0, SHARDS - 1 do all[shard + 1] = shard * RUN_OF_SHARD end
  return wrong_shard(all)
end

local function make_ready(seq, header_text, now)
  local due = tonumber(string.match(header_text, '"due":(%d+)'))
  if due and due > now then
    redis.call('ZADD', k_scheduled, text(due), seq)
  else
    redis.call('ZADD', k_ready, ready_score(priority_of(header_text), seq), seq)
  end
end

local function bury_dependent(seq, record, parent, now)
  local header_text, rest = split(record)
  local header = cjson.decode(header_text)
  header.st, header.t1, header.why = 'd', now, 'dependency_failed'
  add_error(header, 'dependency_failed', 'The job ' .. parent .. ' that this one depends on did not complete.', now)
  header_text = cjson.encode(header)
  put_records({ seq }, { header_text .. rest })
  redis.call('ZADD', k_dead, text(now), seq)
  redis.call('HDEL', k_deferred, seq)
  return header_text
end

-- Tells the dependents of ended jobs: rows of { seq, header text, completed }. Returns how many became ready and dead.
local function tell_dependents(rows, epoch, now)
  if redis.call('HLEN', k_waiters) == 0 then return 0, 0 end
  local woken, buried, at = 0, 0, 1
  while at <= #rows do
    local row = rows[at]
    local id = cjson.decode(row[2]).id or (epoch .. '-' .. row[1])
    for child in string.gmatch(redis.call('HGET', k_waiters, id) or '', '%d+') do
      local left = tonumber(redis.call('HGET', k_deferred, child) or '0')
      local record = left > 0 and get_records({ child })[1]
      if record and not row[3] then
        rows[#rows + 1] = { child, bury_dependent(child, record, id, now), false }
        buried = buried + 1
      elseif record and left > 1 then
        redis.call('HSET', k_deferred, child, left - 1)
      elseif record then
        make_ready(child, (split(record)), now)
        redis.call('HDEL', k_deferred, child)
        woken = woken + 1
      end
    end
    redis.call('HDEL', k_waiters, id)
    at = at + 1
  end
  return woken, buried
end

-- Of these parents (ids on one line each), those that have not ended, and the first that ended without completing.
local function outstanding(after, epoch)
  local waiting = {}
  for parent in string.gmatch(after, '[^\n]+') do
    local seq = find_seq(parent, epoch)
    local record = seq and get_records({ seq })[1]
    local state = record and string.match((split(record)), '"st":"(%a)"')
    if state == 'd' or state == 'x' then return {}, parent end
    -- A known job whose record retention has removed has ended long ago.
    local gone = seq and not record
    if state ~= 'c' and not gone then waiting[#waiting + 1] = parent end
  end
  return waiting, nil
end

local function wait_for(seq, parents)
  redis.call('HSET', k_deferred, seq, #parents)
  for i = 1, #parents do
    local others = redis.call('HGET', k_waiters, parents[i])
    redis.call('HSET', k_waiters, parents[i], others and (others .. ' ' .. seq) or seq)
  end
end
