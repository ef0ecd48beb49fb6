-- trim: forgets finished jobs beyond the age and the number that are kept, and ids whose window has passed. An id whose
-- job has not ended yet is remembered for another window.
--
-- KEYS   meta:hash finished:list ids:hash idlog:list jobs:hash*16
-- ARGV   keep_count keep_age id_window max_lines
--        keep_age and id_window: ms; max_lines: batches of finished jobs, and ids, looked at in this call
-- REPLY  status dropped kept forgotten more: more is 1 when there may be more to trim

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
local bad = wrong_shard(drop)
if bad then return bad end

local entries, forgotten, looked, again = redis.call('LRANGE', k_idlog, 0, most - 1), {}, 0, {}
local stamp = text(now + tonumber(a_id_window))
for i = 1, #entries do
  local expiry, id = string.match(entries[i], '^(%d+) (.*)$')
  if tonumber(expiry) > now then break end
  looked = i
  local owner, print, until_when = string.match(redis.call('HGET', k_ids, id) or '', '^(%S+) (%S+) (%S+)$')
  if until_when == expiry then
    local record = owner ~= 'x' and redis.call('HGET', k_jobs[shard_of(owner)], owner)
    local header = record and string.sub(record, 1, string.find(record, '\n', 1, true))
    if header and not string.find(header, '"st":"%a"') then
      again[#again + 1] = { id, owner .. ' ' .. print .. ' ' .. stamp }
    else
      forgotten[#forgotten + 1] = id
    end
  end
end

for i = 1, #again do
  redis.call('HSET', k_ids, again[i][1], again[i][2])
  redis.call('RPUSH', k_idlog, stamp .. ' ' .. again[i][1])
end
local dropped = #drop > 0 and drop_records(drop) or 0
if popped > 0 then
  count('trimmed', popped)
  redis.call('LTRIM', k_finished, popped, -1)
end
if #forgotten > 0 then call_many('HDEL', k_ids, forgotten) end
if looked > 0 then redis.call('LTRIM', k_idlog, looked, -1) end
if dropped > 0 then kept = redis.call('HINCRBY', k_meta, 'finished', -dropped) end
local more = (popped == most or looked == most) and 1 or 0
return { OK, dropped, kept, #forgotten, more }
