-- common: what every script shares. The loader puts it in front of each script, behind the names of
-- its keys (k_*) and arguments (a_*) that it takes from the script's own header; see StoreScript.cs.
--
-- A script reads and checks everything first, counts, then writes what is new, and removes the source last: Redis does not roll
-- a script back. Should one end in the midst, the same step made again finds what is there already and does the rest:
-- numbers are taken (meta's "seq") only once their records are written, and marks of a place are set, never added to.
--
-- A record is one value: a JSON header on one line, a newline, the payload as it was pushed, and the
-- result behind it when there is one (the header's "n" then says where the payload ends).

local OK, PAUSED, NO_LEASE, WRONG_TYPE, DEAD_FULL, NO_ROOM, SCHEMA, WAITING_FULL, READING = 0, 1, 2, 3, 4, 5, 6, 7, 8
local SHARDS, RUN_OF_SHARD = 16, 512
local PRIORITY_STEP = 562949953421312 -- 2^49: ready jobs sort by priority, then by number; ten of them stay exact
local CHUNK = 2000                   -- values per unpack; Lua's stack holds some 8,000
local MAX_ERRORS = 10

local function text(n) return string.format('%.0f', n) end

local function server_now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- Redis over its maxmemory refuses the first write of a script, and none behind it. Steps that give memory back in the
-- end, or without which leases would expire, begin with a removal that removes nothing, and so are made even then.
local function even_without_memory(hash) redis.call('HDEL', hash, '') end

local function shard_of(seq) return math.floor(tonumber(seq) / RUN_OF_SHARD) % SHARDS end

local function wrong_type(key, expected)
  local t = redis.call('TYPE', key)
  if type(t) == 'table' then t = t.ok end
  if t == expected or t == 'none' then return nil end
  return { WRONG_TYPE, key, t, expected }
end

-- The first shard of these numbers that is no hash, as a reply; nil when all are fine.
local function wrong_shard(seqs)
  local seen = {}
  for i = 1, #seqs do
    local shard = shard_of(seqs[i])
    if not seen[shard] then
      seen[shard] = true
      local bad = wrong_type(k_jobs[shard], 'hash')
      if bad then return bad end
    end
  end
  return nil
end

local function any_wrong_shard()
  for shard = 0, SHARDS - 1 do
    local bad = wrong_type(k_jobs[shard], 'hash')
    if bad then return bad end
  end
  return nil
end

-- Calls one command with many values, in pieces that fit Lua's stack. CHUNK is even: pairs stay together.
local function call_many(command, key, values)
  for i = 1, #values, CHUNK do
    redis.call(command, key, unpack(values, i, math.min(i + CHUNK - 1, #values)))
  end
end

local function get_many(key, fields)
  local found = {}
  for i = 1, #fields, CHUNK do
    local part = redis.call('HMGET', key, unpack(fields, i, math.min(i + CHUNK - 1, #fields)))
    for j = 1, #part do found[i + j - 1] = part[j] end
  end
  return found
end

local function put_records(seqs, records)
  local groups = {}
  for i = 1, #seqs do
    local shard = shard_of(seqs[i])
    local group = groups[shard]
    if not group then group = {}; groups[shard] = group end
    group[#group + 1] = seqs[i]
    group[#group + 1] = records[i]
  end
  for shard, group in pairs(groups) do call_many('HSET', k_jobs[shard], group) end
end

local function get_records(seqs)
  local groups, places, records = {}, {}, {}
  for i = 1, #seqs do
    local shard = shard_of(seqs[i])
    if not groups[shard] then groups[shard] = {}; places[shard] = {} end
    local group, place = groups[shard], places[shard]
    group[#group + 1] = seqs[i]
    place[#place + 1] = i
  end
  for shard, group in pairs(groups) do
    local found = get_many(k_jobs[shard], group)
    for j = 1, #group do records[places[shard][j]] = found[j] end
  end
  return records
end

local function drop_records(seqs)
  local groups, dropped = {}, 0
  for i = 1, #seqs do
    local shard = shard_of(seqs[i])
    local group = groups[shard]
    if not group then group = {}; groups[shard] = group end
    group[#group + 1] = seqs[i]
  end
  for shard, group in pairs(groups) do
    for i = 1, #group, CHUNK do
      dropped = dropped + redis.call('HDEL', k_jobs[shard], unpack(group, i, math.min(i + CHUNK - 1, #group)))
    end
  end
  return dropped
end

-- From the newline on, without a result that an earlier try left.
local function without_result(record, newline)
  local length = string.match(string.sub(record, 1, newline), '"n":(%d+)')
  return string.sub(record, newline, length and newline + tonumber(length) or -1)
end

-- Of these numbers each once, in order, with the place of its arguments: a batch that names a job twice is one step of it.
local function each_once(first, width)
  local seqs, at, seen = {}, {}, {}
  for i = first, #ARGV, width do
    if not seen[ARGV[i]] then
      seen[ARGV[i]] = true
      seqs[#seqs + 1] = ARGV[i]
      at[#seqs] = i
    end
  end
  return seqs, at
end

-- Makes dead letters: score, number, score, number …. Where the queue has its dead letters mirrored, the outbox names each.
local function mark_dead(rows)
  call_many('ZADD', k_dead, rows)
  if redis.call('HEXISTS', k_meta, 'mirror') == 0 then return end
  local names = {}
  for i = 2, #rows, 2 do names[#names + 1] = '!' .. rows[i] end
  call_many('RPUSH', k_outbox, names)
end

-- Half the microseconds since 2026: numbers that no queue reaches by counting, for no server gives one in every two
-- microseconds. Below PRIORITY_STEP until 2061.
local function number_by_clock()
  local t = redis.call('TIME')
  return math.floor(((tonumber(t[1]) - 1767225600) * 1000000 + tonumber(t[2])) / 2)
end

-- The last number given. Where it is missing though the queue has been used (somebody removed it, or all of meta), numbers
-- go on by the clock, above all that were given, also since an earlier loss, so that nothing is overwritten.
local function last_number(value, known_epoch)
  if value then return tonumber(value) end
  local used = known_epoch or redis.call('HLEN', k_ids) > 0
  for shard = 0, SHARDS - 1 do
    used = used or wrong_type(k_jobs[shard], 'hash') == nil and redis.call('HLEN', k_jobs[shard]) > 0
  end
  return used and number_by_clock() or 0
end

-- The first write of a step that gives numbers where none is noted as the last: should the step end in the midst, the same
-- made again finds where it began.
local function note_last(value, last, epoch)
  if value then return end
  if epoch ~= '' then
    redis.call('HSET', k_meta, 'seq', text(last), 'epoch', epoch)
  else
    redis.call('HSET', k_meta, 'seq', text(last))
  end
end

-- Header text, and the rest from the newline on.
-- What is no record (somebody else wrote it) is all rest; who reads it finds no header and buries it.
local function split(record)
  local newline = string.find(record, '\n', 1, true)
  if not newline then return '{}', '\n' .. record end
  return string.sub(record, 1, newline - 1), string.sub(record, newline)
end

local function outcome_of(header) return string.match(header, '"st":"(%a)"') end

local function priority_of(header) return tonumber(string.match(header, '"p":(%d)')) or 5 end

local function ready_score(priority, seq) return text(tonumber(priority) * PRIORITY_STEP + tonumber(seq)) end

-- An entry of the running hash: counter, generation, attempt, start (Unix ms), and 's' once started or
-- 'i' while only taken in. Counter and generation together are the fencing token.
local function entry(counter, generation, attempt, started, mode)
  return counter .. ' ' .. generation .. ' ' .. attempt .. ' ' .. started .. ' ' .. mode
end

local function holds(running, counter, generation)
  if not running then return false end
  local token = counter .. ' ' .. generation .. ' '
  return string.sub(running, 1, #token) == token
end

-- Adds to counters of the queue, before what they count is written: a step that ends in the midst and is made again may count
-- twice, and leaves nothing out. Name, amount, name, amount …; zero amounts are left out.
local function count(...)
  local pairs_of = { ... }
  for i = 1, #pairs_of, 2 do
    if pairs_of[i + 1] ~= 0 then redis.call('HINCRBY', k_meta, pairs_of[i], text(pairs_of[i + 1])) end
  end
end

-- on: the attempt that failed; 0 for what was refused before any.
local function add_error(header, kind, message, now, on)
  local errors = header.er or {}
  while #errors >= MAX_ERRORS do table.remove(errors, 1) end
  errors[#errors + 1] = { at = now, on = on, k = kind, m = message }
  header.er = errors
end

-- A header as one line of JSON. Garnet's cjson leaves control characters in strings as they are.
local function encode(header)
  return (string.gsub(cjson.encode(header), '%c', function(c) return string.format('\\u%04x', string.byte(c)) end))
end

-- The header text with an outcome: d or x, and why.
local function with_outcome(header_text, outcome, why, now)
  local header = cjson.decode(header_text)
  header.st, header.t1 = outcome, now
  if why ~= '' then header.why = why end
  return encode(header)
end

-- What the events channel is told: noted as the step goes, announced once, a message for each state.
local noted, states = {}, {}

local function note(state, seq)
  local seqs = noted[state]
  if not seqs then
    seqs = {}
    noted[state] = seqs
    states[#states + 1] = state
  end
  seqs[#seqs + 1] = seq
end

local function announce()
  for i = 1, #states do
    redis.call('PUBLISH', a_events, states[i] .. ' ' .. table.concat(noted[states[i]], ' '))
  end
end

-- One line of the finished list is one batch: the time (Unix ms) and the numbers.
local function finished_line(now, seqs) return text(now) .. ' ' .. table.concat(seqs, ' ') end
