-- trim: forgets finished jobs beyond the age and the number that are kept, and ids whose window has passed. An id whose
-- job has not ended yet is remembered for another window.
--
-- KEYS   meta:hash finished:list ids:hash idlog:list jobs:hash*16
-- ARGV   keep_count keep_age id_window max_lines
--        keep_age and id_window: ms; max_lines: batches of finished jobs, and ids, looked at in this call
-- REPLY  status dropped kept forgotten more: more is 1 when there may be more to trim
-- EVENT  none

local kept = tonumber(redis.call('HGET', k_meta, 'finished') or '0')
local now, most = server_now(), tonumber(a_max_lines)
local lines, drop, popped, excess = redis.call('LRANGE', k_finished, 0, most - 1), {}, 0, kept - tonumber(a_keep_count)
for i = 1, #lines do
  local first = true
  local at, before = nil, #drop
  for word in string.gmatch(lines[i], '%d+') do
    if first then
      at = tonumber(word)
      first = false
    else
      drop[#drop + 1] = word
    end
  end
  local old = at < now - tonumber(a_keep_age)
  if not old and #drop > excess then
    for j = #drop, before + 1, -1 do drop[j] = nil end
    break
  end
  popped = i
end
local entries, looked, forgotten, owners, live, again = redis.call('LRANGE', k_idlog, 0, most - 1), {}, {}, {}, {}, {}
for i = 1, #entries do
  local expiry, id = string.match(entries[i], '^(%d+) (.*)$')
  if tonumber(expiry) > now then break end
  local owner, print, until_when = string.match(redis.call('HGET', k_ids, id) or '', '^(%S+) (%S+) (%S+)$')
  looked[i] = until_when == expiry and { id = id, owner = owner, print = print } or false
  if looked[i] and owner ~= 'x' then owners[#owners + 1] = owner end
end
local bad = wrong_shard(drop) or wrong_shard(owners)
if bad then return bad end

local stamp = text(now + tonumber(a_id_window))
for i = 1, #looked do
  local entry_of = looked[i]
  local owner = entry_of and entry_of.owner
  local record = owner and owner ~= 'x' and redis.call('HGET', k_jobs[shard_of(owner)], owner)
  if record and not outcome_of((split(record))) then
    live[#live + 1] = entry_of.id
    live[#live + 1] = owner .. ' ' .. entry_of.print .. ' ' .. stamp
    again[#again + 1] = stamp .. ' ' .. entry_of.id
  elseif entry_of then
    forgotten[#forgotten + 1] = entry_of.id
  end
end

-- What gives memory back comes first.
local dropped = #drop > 0 and drop_records(drop) or 0
if dropped > 0 then kept = redis.call('HINCRBY', k_meta, 'finished', -dropped) end
if popped > 0 then
  count('trimmed', popped)
  redis.call('LTRIM', k_finished, popped, -1)
end
if kept ~= 0 and redis.call('LLEN', k_finished) == 0 then
  kept = 0
  redis.call('HSET', k_meta, 'finished', '0')
end
if #forgotten > 0 then call_many('HDEL', k_ids, forgotten) end
if #live > 0 then
  call_many('HSET', k_ids, live)
  call_many('RPUSH', k_idlog, again)
end
if #looked > 0 then redis.call('LTRIM', k_idlog, #looked, -1) end
local more = (popped == most or #looked == most) and 1 or 0
return { OK, dropped, kept, #forgotten, more }
