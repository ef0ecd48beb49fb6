-- session_step: looks at sessions whose time has come: a gap that has lasted, one that nothing has come for, jobs of one that
-- failed or is cancelled, one whose finalising job is to be enqueued, one that is over and forgotten.
--
-- USES   ids replies sessions dependents cancelling
-- KEYS   meta:hash running:hash ids:hash ready:zset line:zset scheduled:zset retrying:zset deferred:hash waiters:hash dead:zset finished:list outbox:list cancels:hash sessions:hash members:zset sessiondue:zset sticky:hash unread:hash jobs:hash*16
-- ARGV   events control max_items
--        max_items: sessions, and jobs to be cancelled, looked at in this call
-- REPLY  status epoch finals[] gaps[] more: the sessions whose finalising job is to be enqueued; those that went on without
--        numbers, each with how many; more is 1 when there may be more
-- EVENT  cancelled seq …; session state name; on the control channel: wake, cancel seq …, outbox, sessions

local RETRY = 10000 -- ms until another silo is told to enqueue a finalising job

local epoch = redis.call('HGET', k_meta, 'epoch') or ''
local bad = any_wrong_shard()
if bad then return bad end
if not session_policy() then return { OK, epoch, {}, {}, 0 } end
local now, most = server_now(), tonumber(a_max_items)
local due = redis.call('ZRANGEBYSCORE', k_sessiondue, '-inf', text(now), 'LIMIT', 0, most)
local finals, gaps, forgotten, seqs, reasons = {}, {}, {}, {}, {}
stepping = true
for i = 1, #due do
  local s = read_session(due[i])
  if s and (s.state == 'q' or s.state == 'k') then
    local line = redis.call('ZRANGEBYSCORE', k_line, text(low(s)), text(low(s) + ORDERS - 1), 'LIMIT', 0, math.max(0, most - #seqs))
    for n = 1, #s.active do line[#line + 1] = string.match(s.active[n], '^%d+') end
    for n = 1, #line do
      seqs[#seqs + 1] = line[n]
      reasons[line[n]] = s.state == 'q' and 'session_failed' or 'session_cancelled'
    end
  end
end

-- What gives memory back in the end is done without any.
if #due > 0 then even_without_memory(k_sessions) end
local records, running, index = get_records(seqs), get_many(k_running, seqs), {}
for n = 1, #seqs do index[seqs[n]] = n end
local gone, written, ask = {}, {}, {}
for n = 1, #seqs do
  local header, rest = split(records[n] or '{}\n')
  local outcome = outcome_of(header)
  if running[n] and not outcome then
    local reason = reasons[seqs[n]]
    ask[reason] = ask[reason] or {}
    table.insert(ask[reason], seqs[n])
  elseif records[n] and (not outcome or outcome == 'x' and waits(seqs[n])) then
    gone[#gone + 1] = seqs[n]
    written[#written + 1] = (outcome and header or with_outcome(header, 'x', reasons[seqs[n]], now)) .. rest
  end
end
for i = 1, #due do
  local s = read_session(due[i])
  if not s then
    redis.call('ZREM', k_sessiondue, due[i])
  elseif is_over(s) then
    forgotten[#forgotten + 1] = s
  elseif s.state == 'c' or s.state == 'f' or s.state == 'x' then
    redis.call('ZADD', k_sessiondue, text(now + RETRY), s.sid)
    finals[#finals + 1] = s.sid
  elseif s.state == 'q' or s.state == 'k' then
    -- Dead letters that held it are what failed; of others that have ended nobody told it.
    for n = #s.active, 1, -1 do
      local at = index[s.active[n]]
      local outcome = at and records[at] and outcome_of((split(records[at])))
      if not at or not records[at] or outcome and not running[at] and not waits(s.active[n]) then
        table.remove(s.active, n)
        local name = outcome == 'c' and 'done' or outcome == 'x' and 'cancelled' or 'failed'
        s[name] = s[name] + 1
      end
    end
    mark(s)
  elseif s.gap > 0 then
    local _, order = head_of(s)
    local lost = order and order - s.next or s.total - members_of(k_members, s) - s.missing
    if lost > 0 then
      gaps[#gaps + 1] = s.sid
      gaps[#gaps + 1] = text(lost)
    end
    s.missing, s.gap = s.missing + math.max(lost, 0), 0
    if order then s.next = math.max(s.next, order) end
    mark(s)
  else
    s.state = 'e'
    mark(s)
  end
end
for reason, running_of in pairs(ask) do ask_to_cancel(running_of, reason) end
if #gone > 0 then
  cancel_waiting(gone, written, epoch, now)
else
  local woken = settle_sessions(now)
  if woken > 0 then redis.call('PUBLISH', a_control, 'wake') end
end
for i = 1, #forgotten do
  local s = forgotten[i]
  redis.call('ZREMRANGEBYSCORE', k_members, text(low(s)), text(low(s) + ORDERS - 1))
  redis.call('HDEL', k_sessions, s.sid)
  redis.call('ZREM', k_sessiondue, s.sid)
end
return { OK, epoch, finals, gaps, #due == most and 1 or 0 }
