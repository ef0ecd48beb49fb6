-- settle: ends an attempt of running jobs of this generation otherwise than by a result: retry later, dead letter,
-- cancelled, or given back to the head of the ready set without charge.
--
-- USES   dependents
-- KEYS   meta:hash running:hash progress:hash cancels:hash retrying:zset finished:list outbox:list deferred:hash waiters:hash ready:zset scheduled:zset dead:zset jobs:hash*16
-- ARGV   events control generation outbox
--        outbox: how many messages for foreign lists follow, before the items
-- ITEMS  seq counter verb delay header
--        verb: r retries after delay ms, d buries, x cancels, q gives back; header: the new header, "" to leave it
-- REPLY  status epoch kept refused[]: as complete
-- EVENT  retrying seq …, dead seq …, cancelled seq …, queued seq …

local first = FIRST + tonumber(a_outbox)
local seqs = {}
for i = first, #ARGV, 5 do seqs[#seqs + 1] = ARGV[i] end
local bad = wrong_shard(seqs) or wrong_dependents()
if bad then return bad end

local epoch = redis.call('HGET', k_meta, 'epoch') or ''
local now = server_now()
local running, records = get_many(k_running, seqs), get_records(seqs)
local names = { r = 'retrying', d = 'dead', x = 'cancelled', q = 'queued' }
local moved = { r = {}, d = {}, x = {}, q = {} }
local index = { r = {}, d = {}, q = {} }
local left, changed, written, ended, refused = {}, {}, {}, {}, {}
for n = 1, #seqs do
  local i = first + (n - 1) * 5
  local seq, verb, header, record = seqs[n], ARGV[i + 2], ARGV[i + 4], records[n]
  local old, rest = '', ''
  if record then old, rest = split(record) end
  if record and holds(running[n], ARGV[i + 1], a_generation) then
    left[#left + 1] = seq
    moved[verb][#moved[verb] + 1] = seq
    if header ~= '' then
      changed[#changed + 1] = seq
      written[#written + 1] = header .. rest
    else
      header = old
    end
    local score = verb == 'r' and text(now + tonumber(ARGV[i + 3]))
        or verb == 'd' and text(now)
        or verb == 'q' and ready_score(priority_of(header), seq)
    if score then
      local rows = index[verb]
      rows[#rows + 1] = score
      rows[#rows + 1] = seq
    end
    if verb == 'd' or verb == 'x' then ended[#ended + 1] = { seq, header, false } end
  elseif not (record and header ~= '' and old == header) then
    refused[#refused + 1] = seq
  end
end

local kept = tonumber(redis.call('HGET', k_meta, 'finished') or '0')
if #left > 0 then
  if #changed > 0 then put_records(changed, written) end
  if #index.r > 0 then call_many('ZADD', k_retrying, index.r) end
  if #index.d > 0 then call_many('ZADD', k_dead, index.d) end
  if #index.q > 0 then call_many('ZADD', k_ready, index.q) end
  if #moved.x > 0 then
    redis.call('RPUSH', k_finished, finished_line(now, moved.x))
    kept = redis.call('HINCRBY', k_meta, 'finished', #moved.x)
  end
  for i = FIRST, first - 1 do redis.call('RPUSH', k_outbox, ARGV[i]) end
  local woken, buried = tell_dependents(ended, epoch, now)
  count('retried', #moved.r, 'dead', #moved.d + buried, 'cancelled', #moved.x, 'released', #moved.q)
  if woken > 0 or #moved.q > 0 then redis.call('PUBLISH', a_control, 'wake') end
  for verb, list in pairs(moved) do
    if #list > 0 then redis.call('PUBLISH', a_events, names[verb] .. ' ' .. table.concat(list, ' ')) end
  end
  if redis.call('HLEN', k_progress) > 0 then call_many('HDEL', k_progress, left) end
  if redis.call('HLEN', k_cancels) > 0 then call_many('HDEL', k_cancels, left) end
  call_many('HDEL', k_running, left)
end
return { OK, epoch, kept, refused }
