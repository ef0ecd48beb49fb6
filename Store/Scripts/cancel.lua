-- cancel: cancels jobs by id. A job that waits is cancelled at once; of one that runs, the silo is told; an id that
-- nobody has seen yet is remembered, so that its job is cancelled when it comes.
--
-- USES   ids replies sessions dependents cancelling
-- KEYS   meta:hash running:hash cancels:hash ids:hash idlog:list ready:zset scheduled:zset retrying:zset deferred:hash waiters:hash dead:zset finished:list outbox:list line:zset sessions:hash members:zset sessiondue:zset sticky:hash unread:hash jobs:hash*16
-- ARGV   events control id_window reason
-- ITEMS  id
-- REPLY  status epoch verdicts[]: for each id cancelled, requested, ended (too late), remembered, or unknown (an id of
--        the store's own that it has not given)
-- EVENT  cancelled seq …; of dependents: dead seq …; on the control channel: wake, cancel seq …, outbox, sessions

local epoch = redis.call('HGET', k_meta, 'epoch') or ''
local now = server_now()
local seqs, places, verdicts, remember, seen = {}, {}, {}, {}, {}
for i = FIRST, #ARGV do
  local id, at = ARGV[i], i - FIRST + 1
  local seq = find_seq(id, epoch)
  if seq then
    seqs[#seqs + 1] = seq
    places[#seqs] = at
  else
    if not seen[id] then remember[#remember + 1] = id end
    seen[id] = true
    verdicts[at] = 'remembered'
  end
end
local bad = wrong_shard(seqs) or wrong_dependents()
if bad then return bad end

local records, running = get_records(seqs), get_many(k_running, seqs)
local ask, gone, written = {}, {}, {}
for n = 1, #seqs do
  local seq, record = seqs[n], records[n]
  local outcome = record and outcome_of((split(record)))
  local verdict = seen[seq .. '\n']
  if verdict then
    -- The same job twice in one call.
  elseif running[n] and record and not outcome then
    ask[#ask + 1] = seq
    verdict = 'requested'
  elseif record and not (outcome and (outcome ~= 'x' or running[n] or not waits(seq))) then
    local header, rest = split(record)
    header = outcome and header or with_outcome(header, 'x', a_reason, now)
    gone[#gone + 1] = seq
    written[#written + 1] = header .. rest
    note('cancelled', seq)
    verdict = 'cancelled'
  else
    -- A number of the store's own that it never gave, or whose record retention has removed.
    local last = tonumber(redis.call('HGET', k_meta, 'seq') or '0')
    verdict = (record or tonumber(seq) <= last) and 'ended' or 'unknown'
  end
  seen[seq .. '\n'] = verdict
  verdicts[places[n]] = verdict
end

if #remember > 0 then
  local expiry, values, log = text(now + tonumber(a_id_window)), {}, {}
  for i = 1, #remember do
    values[#values + 1] = remember[i]
    values[#values + 1] = 'x - ' .. expiry
    log[#log + 1] = expiry .. ' ' .. remember[i]
  end
  call_many('HSET', k_ids, values)
  call_many('RPUSH', k_idlog, log)
end
ask_to_cancel(ask, a_reason)
cancel_waiting(gone, written, epoch, now)
return { OK, epoch, verdicts }
