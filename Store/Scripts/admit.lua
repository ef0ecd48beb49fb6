-- admit: what the silo found on reading what it claimed: registers explicit ids, and gives jobs that are not to run at
-- once their place among the admitted.
--
-- USES   ids replies sessions dependents place
-- KEYS   meta:hash running:hash cancels:hash ids:hash idlog:list ready:zset scheduled:zset deferred:hash waiters:hash dead:zset outbox:list line:zset sessions:hash members:zset sessiondue:zset sticky:hash unread:hash jobs:hash*16
-- ARGV   events control generation id_window
--        id_window: how long an id is remembered, ms
-- ITEMS  seq counter verb id fingerprint after header
--        verb: k keeps the job running, p gives it its place; after: ids it depends on, a line each; header: the new
--        header, with what the payload says
-- REPLY  status epoch verdicts[]: for each item 0 admitted, 1 a duplicate (dropped here), 2 an id with another payload
--        (still held), 3 cancelled before it came or since (still held), 4 no longer held
-- EVENT  queued seq …, scheduled seq …, deferred seq …, dead seq …; on the control channel: wake, outbox

local seqs, ids = {}, {}
for i = FIRST, #ARGV, 7 do
  seqs[#seqs + 1] = ARGV[i]
  ids[#ids + 1] = ARGV[i + 3]
end
local bad = wrong_shard(seqs) or wrong_dependents(any_after(FIRST + 5, 7))
if bad then return bad end
local epoch = redis.call('HGET', k_meta, 'epoch') or ''
local now = server_now()
local running, known = get_many(k_running, seqs), get_many(k_ids, ids)
local records = get_records(seqs)
local asked = redis.call('HLEN', k_cancels) > 0 and get_many(k_cancels, seqs) or {}

local verdicts, register, rows, leave, drop, kept, written, cancel, seen = {}, {}, {}, {}, {}, {}, {}, {}, {}
for n = 1, #seqs do
  local i = FIRST + (n - 1) * 7
  local seq, verb, id, fingerprint = seqs[n], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local verdict = NEW
  local held = holds(running[n], ARGV[i + 1], a_generation)
  if held and not records[n] then
    -- An earlier try, which ended in the midst, has dropped it.
    verdict = DUPLICATE
  elseif not held then
    verdict = LOST
  elseif id ~= '' then
    verdict = verdict_of(seen[id] or known[n], seq, fingerprint, id, epoch)
  end
  if verdict == NEW and asked[n] then verdict = CANCELLED end
  verdicts[n] = verdict
  if (verdict == NEW or verdict == CANCELLED) and id ~= '' then
    register[#register + 1] = { id = id, seq = seq, fingerprint = fingerprint }
    seen[id] = seq .. ' ' .. fingerprint .. ' 0'
  end
  if verdict == CANCELLED and not asked[n] then
    cancel[#cancel + 1] = seq
    cancel[#cancel + 1] = ''
  end
  if verdict == NEW then
    local _, rest = split(records[n])
    if verb == 'k' then
      kept[#kept + 1] = seq
      written[#written + 1] = ARGV[i + 6] .. rest
    else
      rows[#rows + 1] = { seq = seq, header = ARGV[i + 6], rest = rest, after = ARGV[i + 5] }
      leave[#leave + 1] = seq
    end
  elseif verdict == DUPLICATE then
    drop[#drop + 1] = seq
    leave[#leave + 1] = seq
  end
end

-- A cancel that came before its job becomes one of the job, since the id now names the job.
if #cancel > 0 then call_many('HSET', k_cancels, cancel) end
if #kept > 0 then put_records(kept, written) end
put_rows(rows)
register_ids(register, text(now + tonumber(a_id_window)))
if #rows > 0 then place(rows, epoch, now) end
count('duplicates', #drop)
announce()
announce_replies()
if #rows > 0 then redis.call('PUBLISH', a_control, 'wake') end
if #drop > 0 then drop_records(drop) end
if redis.call('HLEN', k_unread) > 0 then
  for n = 1, #seqs do
    if verdicts[n] ~= LOST then redis.call('HDEL', k_unread, seqs[n]) end
  end
end
if #leave > 0 then
  if redis.call('HLEN', k_cancels) > 0 then call_many('HDEL', k_cancels, leave) end
  call_many('HDEL', k_running, leave)
end
return { OK, epoch, verdicts }
