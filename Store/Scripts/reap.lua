-- reap: gives the jobs of generations whose lease has expired back to the ready set, by the server's clock. After a gap
-- since the last tick (Redis was stalled or restarted, or its clock was set) it extends all leases once instead. A job that
-- somebody wants cancelled ends so.
--
-- USES   replies sessions dependents
-- KEYS   meta:hash leases:zset silos:hash running:hash ready:zset scheduled:zset dead:zset deferred:hash waiters:hash progress:hash cancels:hash finished:list outbox:list line:zset sessions:hash members:zset sessiondue:zset sticky:hash unread:hash jobs:hash*16
-- ARGV   events control interval gap ttl lost_budget max_items
--        interval: ticks closer together do nothing, ms; gap: a longer pause is not trusted, ms; ttl: of an extended
--        lease, ms; lost_budget: how often a job may lose its silo before it is a dead letter
-- REPLY  status epoch what generations[] recovered dead cancelled: what is skipped, first, gap, tick
-- EVENT  queued seq …, dead seq …, cancelled seq …; on the control channel: wake, outbox

local SWEEP = 10000 -- ms between looks for entries of generations without any lease

local meta = redis.call('HMGET', k_meta, 'epoch', 'tick', 'sweep')
local epoch, tick, swept = meta[1] or '', tonumber(meta[2] or ''), tonumber(meta[3] or '0')
local now = server_now()
local since = tick and now - tick
if since and since >= 0 and since < tonumber(a_interval) then return { OK, epoch, 'skipped', {}, 0, 0, 0 } end
if not since or since < 0 or since > tonumber(a_gap) then
  local leases, extended = redis.call('ZRANGE', k_leases, 0, -1), {}
  for i = 1, #leases do
    extended[#extended + 1] = text(now + tonumber(a_ttl))
    extended[#extended + 1] = leases[i]
  end
  even_without_memory(k_cancels)
  redis.call('HSET', k_meta, 'tick', text(now), 'sweep', text(now))
  if #extended > 0 then call_many('ZADD', k_leases, extended) end
  return { OK, epoch, since and 'gap' or 'first', leases, 0, 0, 0 }
end

local expired = redis.call('ZRANGEBYSCORE', k_leases, '-inf', '(' .. text(now))
local sweep = now - swept > SWEEP or now < swept
even_without_memory(k_cancels)
if #expired == 0 and not sweep then
  redis.call('HSET', k_meta, 'tick', text(now))
  return { OK, epoch, 'tick', {}, 0, 0, 0 }
end

local lives, more = {}, false
for _, generation in ipairs(redis.call('ZRANGEBYSCORE', k_leases, text(now), '+inf')) do lives[generation] = true end
local running = redis.call('HGETALL', k_running)
local seqs, modes = {}, {}
for i = 1, #running, 2 do
  local generation, mode = string.match(running[i + 1], '^%S+ (%S+) %S+ %S+ (%S+)')
  if not lives[generation] then
    if #seqs >= tonumber(a_max_items) then more = true; break end
    seqs[#seqs + 1] = running[i]
    modes[#modes + 1] = { mode, generation }
  end
end
local bad = wrong_shard(seqs) or wrong_dependents()
if bad then return bad end

local records = get_records(seqs)
local names = redis.call('HGETALL', k_silos)
local name_of = {}
for i = 1, #names, 2 do name_of[names[i]] = names[i + 1] end
local asked = redis.call('HLEN', k_cancels) > 0 and get_many(k_cancels, seqs) or {}
local changed, written, ready, dead, finished, ended, lost, cancelled = {}, {}, {}, {}, {}, {}, 0, 0
for n = 1, #seqs do
  local seq, header_text, rest = seqs[n], nil, nil
  if records[n] then header_text, rest = split(records[n]) end
  local outcome = header_text and outcome_of(header_text)
  if header_text and not outcome then
    local before = header_text
    if asked[n] then
      outcome, header_text = 'x', with_outcome(header_text, 'x', asked[n], now)
    elseif modes[n][1] == 's' then
      local header = cjson.decode(header_text)
      header.lost, lost = (header.lost or 0) + 1, lost + 1
      add_error(header, 'lost', 'The silo ' .. (name_of[modes[n][2]] or modes[n][2]) .. ' lost its lease while the job ran.', now, (header.a or 0) + 1)
      if header.lost > tonumber(a_lost_budget) then
        outcome, header.st, header.t1, header.why = 'd', 'd', now, 'lost_worker'
      end
      header_text = encode(header)
    end
    if header_text ~= before then
      changed[#changed + 1] = seq
      written[#written + 1] = header_text .. rest
    end
  end
  -- An outcome that was there before is one of a step that ended in the midst: its index may lack it.
  if outcome == 'd' then
    dead[#dead + 1] = text(now)
    dead[#dead + 1] = seq
    note('dead', seq)
  elseif outcome then
    finished[#finished + 1] = seq
    if outcome == 'x' then cancelled = cancelled + 1 end
    note(outcome == 'x' and 'cancelled' or 'completed', seq)
  elseif header_text then
    ready[#ready + 1] = ready_score(priority_of(header_text), seq)
    ready[#ready + 1] = seq
    note('queued', seq)
  end
  if outcome then ended[#ended + 1] = { seq, header_text, outcome == 'c', rest } end
end

redis.call('HSET', k_meta, 'tick', text(now), 'sweep', text(more and swept or now))
local back, buried = #ready / 2, #dead / 2
count('recovered', back, 'lost', lost, 'dead', buried, 'cancelled', cancelled, 'finished', #finished)
if #changed > 0 then put_records(changed, written) end
if #ready > 0 then call_many('ZADD', k_ready, ready) end
for n = 1, #ended do tell_reply(ended[n][1], ended[n][2], ended[n][4]) end
if #dead > 0 then mark_dead(dead) end
if #finished > 0 then redis.call('RPUSH', k_finished, finished_line(now, finished)) end
local woken, more_dead = tell_dependents(ended, epoch, now)
sessions_ended(ended, now)
woken = woken + settle_sessions(now)
announce()
announce_replies()
if back + woken > 0 then redis.call('PUBLISH', a_control, 'wake') end
if #seqs > 0 then
  call_many('HDEL', k_progress, seqs)
  call_many('HDEL', k_cancels, seqs)
  -- What was taken in and not read yet is read by who starts it; nothing else is taken in until then.
  for n = 1, #ended do redis.call('HDEL', k_unread, ended[n][1]) end
  call_many('HDEL', k_running, seqs)
end
if not more and #expired > 0 then
  call_many('ZREM', k_leases, expired)
  call_many('HDEL', k_silos, expired)
end
return { OK, epoch, 'tick', expired, back, buried + more_dead, cancelled }
