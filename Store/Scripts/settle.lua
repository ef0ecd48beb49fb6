-- settle: ends an attempt of running jobs of this generation otherwise than by a result: retry later, dead letter,
-- cancelled, or given back to the head of the ready set without charge. What somebody wants cancelled is neither retried
-- nor given back, but cancelled.
--
-- USES   replies sessions dependents
-- KEYS   meta:hash running:hash progress:hash cancels:hash retrying:zset finished:list outbox:list deferred:hash waiters:hash ready:zset scheduled:zset dead:zset line:zset sessions:hash members:zset sessiondue:zset sticky:hash unread:hash jobs:hash*16
-- ARGV   events control generation
-- ITEMS  seq counter verb delay header
--        verb: r retries after delay ms, d buries, x cancels, q gives back; header: the new header, "" to leave it
-- REPLY  status epoch kept refused[] cancelled[]: as complete; and the numbers that were cancelled instead
-- EVENT  retrying seq …, dead seq …, cancelled seq …, queued seq …, completed seq …; on the control channel: wake, outbox

local seqs, at = each_once(FIRST, 5)
local bad = wrong_shard(seqs) or wrong_dependents()
if bad then return bad end

local epoch = redis.call('HGET', k_meta, 'epoch') or ''
local now = server_now()
local running, records = get_many(k_running, seqs), get_records(seqs)
local asked = redis.call('HLEN', k_cancels) > 0 and get_many(k_cancels, seqs) or {}
local names = { r = 'retrying', d = 'dead', x = 'cancelled', q = 'queued', c = 'completed' }
local index = { r = {}, d = {}, q = {} }
local left, changed, written, finished, ended, refused = {}, {}, {}, {}, {}, {}
local completed, instead = 0, {}
for n = 1, #seqs do
  local i = at[n]
  local seq, verb, header, record = seqs[n], ARGV[i + 2], ARGV[i + 4], records[n]
  local old, rest = '', ''
  if record then old, rest = split(record) end
  if record and holds(running[n], ARGV[i + 1], a_generation) then
    if outcome_of(old) then
      -- An earlier try, or a completion (verb c), which ended in the midst, has written it.
      verb, header = outcome_of(old), old
    elseif asked[n] and (verb == 'r' or verb == 'q') then
      verb = 'x'
      instead[#instead + 1] = seq
      header = with_outcome(header ~= '' and header or old, 'x', asked[n], now)
    end
    left[#left + 1] = seq
    note(names[verb], seq)
    if header ~= '' then
      changed[#changed + 1] = seq
      written[#written + 1] = header .. rest
    else
      header = old
    end
    if verb == 'x' or verb == 'c' then finished[#finished + 1] = seq end
    if verb == 'c' then completed = completed + 1 end
    if verb == 'd' or verb == 'x' or verb == 'c' then ended[#ended + 1] = { seq, header, verb == 'c', rest } end
    local score = verb == 'r' and text(now + tonumber(ARGV[i + 3]))
        or verb == 'd' and text(now)
        or verb == 'q' and ready_score(priority_of(header), seq)
    if score then
      local rows = index[verb]
      rows[#rows + 1] = score
      rows[#rows + 1] = seq
    end
  elseif not (record and header ~= '' and old == header) then
    refused[#refused + 1] = seq
  end
end

local kept = tonumber(redis.call('HGET', k_meta, 'finished') or '0')
if #left > 0 then
  even_without_memory(k_progress)
  local released = #index.q / 2
  count('retried', #index.r / 2, 'dead', #index.d / 2, 'cancelled', #finished - completed, 'released', released)
  if #finished > 0 then kept = redis.call('HINCRBY', k_meta, 'finished', #finished) end
  if #changed > 0 then put_records(changed, written) end
  if #index.r > 0 then call_many('ZADD', k_retrying, index.r) end
  if #index.d > 0 then mark_dead(index.d) end
  if #index.q > 0 then call_many('ZADD', k_ready, index.q) end
  for n = 1, #ended do tell_reply(ended[n][1], ended[n][2], ended[n][4]) end
  if #finished > 0 then redis.call('RPUSH', k_finished, finished_line(now, finished)) end
  local woken = tell_dependents(ended, epoch, now)
  sessions_ended(ended, now, a_generation)
  woken = woken + settle_sessions(now)
  announce()
  announce_replies()
  if woken > 0 or released > 0 then redis.call('PUBLISH', a_control, 'wake') end
  if redis.call('HLEN', k_progress) > 0 then call_many('HDEL', k_progress, left) end
  if redis.call('HLEN', k_cancels) > 0 then call_many('HDEL', k_cancels, left) end
  -- What is given back unread is still to be read.
  if redis.call('HLEN', k_unread) > 0 then
    for n = 1, #ended do redis.call('HDEL', k_unread, ended[n][1]) end
  end
  call_many('HDEL', k_running, left)
end
return { OK, epoch, kept, refused, instead }
