-- trim: forgets finished jobs beyond the age and the number that are kept, and ids whose window has passed. An id whose
-- job has not ended yet is remembered for another window.
--
-- KEYS   meta:hash finished:list ids:hash idlog:list jobs:hash*16
-- ARGV   keep_count keep_age id_window max_lines
--        keep_age and id_window: ms; max_lines: batches of finished jobs, and ids, looked at in this call
-- REPLY  status dropped kept forgotten more: more is 1 when there may be more to trim
-- EVENT  none

local MAX_ID_WINDOW = 31 * 86400000 -- ms; ids are remembered for 30 days at most

local kept = tonumber(redis.call('HGET', k_meta, 'finished') or '0')
local now, most, keep_age = server_now(), tonumber(a_max_lines), tonumber(a_keep_age)

local function is_number(word) return #word < 17 and string.match(word, '^%d+$') end

-- Lines are not trusted, since others can write to the keys too: a record goes only when it is one of a job that has ended.
-- A line is never younger than the one behind it; where its time cannot be read, it is as old as that.
local lines, batches, popped, excess = redis.call('LRANGE', k_finished, 0, most - 1), {}, 0, kept - tonumber(a_keep_count)
local named = {}
local youngest
for i = #lines, 1, -1 do
  local time, rest = string.match(lines[i], '^(%d+)(.*)$')
  local at, numbers = tonumber(time or '') or youngest or 0, {}
  youngest = math.min(at, youngest or at)
  for word in string.gmatch(rest or '', '%S+') do
    if is_number(word) then
      numbers[#numbers + 1] = word
      named[#named + 1] = word
    end
  end
  batches[i] = { numbers = numbers, old = youngest < now - keep_age }
end
local entries, looked, forgotten, owners, live, again = redis.call('LRANGE', k_idlog, 0, most - 1), {}, {}, {}, {}, {}
for i = 1, #entries do
  local expiry, id = string.match(entries[i], '^(%d+) (.*)$')
  local time = tonumber(expiry or '')
  if time and time > now and time < now + MAX_ID_WINDOW then break end
  local owner, print, until_when = string.match(id and redis.call('HGET', k_ids, id) or '', '^(%w+) (%S+) (%S+)$')
  looked[i] = until_when and until_when == expiry and { id = id, owner = owner, print = print } or false
  if looked[i] and is_number(owner) then owners[#owners + 1] = owner end
end
local bad = wrong_shard(named) or wrong_shard(owners)
if bad then return bad end

-- Which of these numbers are finished jobs; their records are read a few at a time.
local function finished_of(numbers)
  local ended = {}
  for i = 1, #numbers, 32 do
    local part = { unpack(numbers, i, math.min(i + 31, #numbers)) }
    local records = get_records(part)
    for j = 1, #part do
      local outcome = records[j] and outcome_of((split(records[j])))
      if outcome == 'c' or outcome == 'x' then ended[#ended + 1] = part[j] end
    end
  end
  return ended
end

local drop = {}
for i = 1, #batches do
  local ended = (batches[i].old or #drop < excess) and finished_of(batches[i].numbers) or nil
  if not ended or not batches[i].old and #drop + #ended > excess then break end
  for j = 1, #ended do drop[#drop + 1] = ended[j] end
  popped = i
end

local stamp = text(now + tonumber(a_id_window))
for i = 1, #looked do
  local entry_of = looked[i]
  local owner = entry_of and entry_of.owner
  local record = owner and is_number(owner) and redis.call('HGET', k_jobs[shard_of(owner)], owner)
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
