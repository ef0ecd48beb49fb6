-- claim: takes a batch of items off a foreign list and makes each a running record of this generation.
-- An item larger than max_payload becomes a dead letter where it lies, without being sent.
--
-- USES   waiting replies
-- KEYS   list:list meta:hash running:hash ids:hash leases:zset dead:zset ready:zset scheduled:zset retrying:zset deferred:hash outbox:list line:zset unread:hash jobs:hash*16
-- ARGV   events generation counter epoch from max_items max_bytes max_payload dead_limit waiting_limit limit window priority mode
--        from: left or right, the end that is taken; dead_limit and waiting_limit: dead letters, and jobs that wait for
--        their time, other jobs or another attempt, at which nothing is taken; limit: running jobs of the queue in the cluster, 0 for none;
--        window: admitted jobs, 0 for none; mode: s starts what it takes, i only takes it in; epoch: used when the
--        queue has none yet
-- REPLY  status epoch first now left items[]: the epoch, empty while the queue has none, the number of the first item, the
--        time (Unix ms), the length of the list afterwards, and the items in order, a null for one put aside
-- EVENT  running seq … (with mode s), dead seq …

local state = redis.call('HMGET', k_meta, 'epoch', 'state', 'seq')
local known, epoch, seq = state[1] or '', state[1] or a_epoch, last_number(state[3], state[1])
if state[2] then return { PAUSED, known } end
if not redis.call('ZSCORE', k_leases, a_generation) then return { NO_LEASE, known } end
if redis.call('HLEN', k_unread) > 0 then return { READING, known } end
if redis.call('ZCARD', k_dead) >= tonumber(a_dead_limit) then return { DEAD_FULL, known } end
if waiting_count() >= tonumber(a_waiting_limit) then return { WAITING_FULL, known } end

local room, limit, window = tonumber(a_max_items), tonumber(a_limit), tonumber(a_window)
if limit > 0 then room = math.min(room, limit - redis.call('HLEN', k_running)) end
if window > 0 then room = math.min(room, window - redis.call('ZCARD', k_ready) - redis.call('ZCARD', k_line)) end
if room <= 0 then return { NO_ROOM, known } end

-- The sizes of items are not known before they are read: begin with one, and read more at a time while they are small.
-- Nothing is taken behind the item with which the byte budget is reached.
local items, bytes, chunk = {}, 0, 1
local max_bytes, max_payload = tonumber(a_max_bytes), tonumber(a_max_payload)
while #items < room and bytes < max_bytes do
  local want = math.min(chunk, room - #items)
  local at, part = #items, nil
  if a_from == 'left' then
    part = redis.call('LRANGE', k_list, at, at + want - 1)
  else
    part = redis.call('LRANGE', k_list, -(at + want), -(at + 1))
  end
  local got, largest = #part, 0
  for i = 1, got do
    if bytes >= max_bytes then break end
    local item = a_from == 'left' and part[i] or part[got - i + 1]
    items[at + i] = item
    bytes = bytes + #item
    largest = math.max(largest, #item)
  end
  if got < want then break end
  chunk = largest > 16384 and 1 or math.min(chunk * 4, 32)
end

local n = #items
local now = server_now()
if n == 0 then return { OK, known, 0, text(now), 0, {} } end

local first, last = seq + 1, seq + n
for s = first, last, RUN_OF_SHARD do
  local bad = wrong_shard({ s, math.min(s + RUN_OF_SHARD - 1, last) })
  if bad then return bad end
end

local stamp = text(now)
local head = '{"raw":1,"e":' .. stamp .. (a_priority ~= '5' and ',"p":' .. a_priority or '') .. '}\n'
local running = entry(a_counter, a_generation, 1, stamp, a_mode)
local seqs, records, started, aside, refused = {}, {}, {}, {}, {}
for i = 1, n do
  local item, s = items[i], text(seq + i)
  seqs[i] = s
  if #item <= max_payload then
    records[i] = head .. item
    started[#started + 1] = s
    started[#started + 1] = running
    if a_mode == 's' then note('running', s) end
  else
    local message = 'The item has ' .. #item .. ' bytes; the queue takes at most ' .. a_max_payload .. '.'
    records[i] = '{"raw":1,"e":' .. stamp .. ',"st":"d","t1":' .. stamp .. ',"why":"too_large","er":[{"at":' .. stamp ..
        ',"on":0,"k":"too_large","m":"' .. message .. '"}]}\n' .. item
    aside[#aside + 1] = stamp
    aside[#aside + 1] = s
    refused[#refused + 1] = { s, records[i] }
    items[i] = false
    note('dead', s)
  end
end

note_last(state[3], seq, epoch)
count('claimed', n, 'dead', #aside / 2)
put_records(seqs, records)
-- The order of a session is that in which items are read: until these are, nothing behind them is taken in.
if a_mode == 'i' and redis.call('HEXISTS', k_meta, 'sessions') == 1 and #started > 0 then call_many('HSET', k_unread, started) end
if #started > 0 then call_many('HSET', k_running, started) end
for i = 1, #refused do tell_reply(refused[i][1], split(refused[i][2])) end
if #aside > 0 then mark_dead(aside) end
announce()
local length = redis.call('LLEN', k_list)
redis.call('HSET', k_meta, 'seq', text(last), 'epoch', epoch)
if a_from == 'left' then
  redis.call('LTRIM', k_list, n, -1)
else
  redis.call('LTRIM', k_list, 0, -(n + 1))
end
return { OK, epoch, first, stamp, length - n, items }
