-- sessions: jobs that belong together, where the queue has a policy for them (meta's "sessions"). A job with a session is
-- not ready at once but stands in its session's line until the jobs before it have ended.
--   sessions  session → "ordinal state next done failed cancelled missing total opened touched gap percent last active"
--   members   every job of a session, and line, those that wait: scored by ordinal * 2^29 + place in the order
--   sessiondue  sessions by the time (Unix ms) at which session_step looks at them
--   sticky    a ready job → "generation until": until then other generations leave it
-- States: o open, e ended (what has come is worked off), q failing, k being cancelled; c, f, x all jobs have ended, and the
-- finalising job is to be enqueued; C, F, X over. An active number with "!" is a dead letter that holds its session.
-- Used by scripts that say USES sessions.

local ORDERS, ORDINALS = 536870912, 16777216 -- 2^29 jobs of a session, 2^24 sessions at a time
local RECORD = '^(%S+) (%a) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) ?(.*)$'
local OUTCOMES = { q = 'f', k = 'x', f = 'f', x = 'x' }

local policy, loaded, touched = nil, {}, {} -- touched: a list in the order of marking, and sid → true
local turn = nil -- the last place that was given, once it is known
local stepping = false -- set by session_step
local placing = {} -- set by place: the jobs that get their place in this step

-- limit order first gap idle failure final sticky keep; order: a, of arrival, or s, of the sequence numbers, which begin at
-- first; failure: f fails the session, s skips, w waits for somebody; final: 1 when a finalising job is wanted; times in ms
local function session_policy()
  if policy == nil then
    local given = redis.call('HGET', k_meta, 'sessions') or ''
    local limit, order, first, gap, idle, failure, final, sticky, keep = string.match(given, '^(%d+) (%a) (%d+) (%d+) (%d+) (%a) (%d) (%d+) (%d+)$')
    policy = limit and {
      limit = tonumber(limit), order = order, first = tonumber(first), gap = tonumber(gap), idle = tonumber(idle), failure = failure,
      final = final == '1', sticky = tonumber(sticky), keep = tonumber(keep),
    } or false
  end
  return policy
end

-- The session that a header names; nil when it names none.
local function session_of(header_text)
  local _, at = string.find(header_text, '"sid":"', 1, true)
  local stop = at
  while stop do
    stop = string.find(header_text, '["\\]', stop + 1)
    if stop and string.byte(header_text, stop) == 34 then
      local raw = string.sub(header_text, at + 1, stop - 1)
      return string.find(raw, '\\', 1, true) and cjson.decode('["' .. raw .. '"]')[1] or raw
    end
    stop = stop and stop + 1
  end
  return nil
end

local function read_session(sid)
  local s = loaded[sid]
  if s ~= nil then return s or nil end
  local record = redis.call('HGET', k_sessions, sid) or ''
  local ordinal, state, following, done, failed, cancelled, missing, total, opened, at, gap, percent, last, active = string.match(record, RECORD)
  if not ordinal then
    loaded[sid] = false
    return nil
  end
  s = {
    sid = sid, ordinal = tonumber(ordinal), state = state, next = tonumber(following), done = tonumber(done), failed = tonumber(failed),
    cancelled = tonumber(cancelled), missing = tonumber(missing), total = tonumber(total), opened = tonumber(opened),
    touched = tonumber(at), gap = tonumber(gap), percent = tonumber(percent), last = last, active = {}, record = record,
  }
  for word in string.gmatch(active, '%S+') do s.active[#s.active + 1] = word end
  loaded[sid] = s
  return s
end

local function low(s) return s.ordinal * ORDERS end

-- The scores of its jobs, as text: from and to.
local function range_of(s)
  if not s.from then s.from, s.to = text(low(s)), text(low(s) + ORDERS - 1) end
  return s.from, s.to
end

local function members_of(key, s) return redis.call('ZCOUNT', key, range_of(s)) end

-- One format for all: a call for each number is what a step of a job costs most.
local function record_of(s)
  local record = string.format('%.0f %s %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %s', s.ordinal, s.state, s.next, s.done, s.failed,
    s.cancelled, s.missing, s.total, s.opened, s.touched, s.gap, s.percent, s.last)
  return s.active[1] and record .. ' ' .. table.concat(s.active, ' ') or record
end

local function put_session(s)
  s.record = record_of(s)
  redis.call('HSET', k_sessions, s.sid, s.record)
end

local function new_session(sid, now)
  local ordinal = tonumber(redis.call('HGET', k_meta, 'ordinal') or '0')
  local s
  repeat
    ordinal = (ordinal + 1) % ORDINALS
    s = {
      sid = sid, ordinal = ordinal, state = 'o', next = policy.first, done = 0, failed = 0, cancelled = 0, missing = 0, total = 0,
      opened = now, touched = now, gap = 0, percent = 0, last = '-', active = {},
    }
  until members_of(k_members, s) == 0
  s.top = low(s) + policy.first - 1
  redis.call('HSET', k_meta, 'ordinal', text(ordinal))
  put_session(s)
  loaded[sid] = s
  return s
end

-- Has a session moved on at the end of the step.
local function mark(s)
  if not touched[s.sid] then
    touched[s.sid] = true
    touched[#touched + 1] = s
  end
end

local function touch(s, now)
  s.touched = now
  mark(s)
end

local function place_of(list, word)
  for i = 1, #list do
    if list[i] == word then return i end
  end
  return nil
end

local function is_open(s) return s.state == 'o' or s.state == 'e' end

local function is_over(s) return s.state == 'C' or s.state == 'F' or s.state == 'X' end

-- Makes a job one of its session: gives it its place in the order, and takes what its header says of the whole. Returns its score.
local function enter(s, seq, header_text)
  local score = tonumber(redis.call('ZSCORE', k_members, seq) or '')
  if not score or score < low(s) or score >= low(s) + ORDERS then
    local order = policy.order == 's' and tonumber(string.match(header_text, '"sq":(%d+)'))
    if not order then
      if not s.top then
        local from, to = range_of(s)
        local last = redis.call('ZREVRANGEBYSCORE', k_members, to, from, 'WITHSCORES', 'LIMIT', 0, 1)
        s.top = tonumber(last[2]) or low(s) + policy.first - 1
      end
      order = s.top - low(s) + 1
    end
    -- It had been given up.
    if policy.order == 's' and order < s.next and s.missing > 0 then s.missing = s.missing - 1 end
    score = low(s) + math.min(order, ORDERS - 1)
    if s.top then s.top = math.max(s.top, score) end
  end
  redis.call('ZADD', k_members, text(score), seq)
  local total = tonumber(string.match(header_text, '"sn":(%d+)'))
  if total then s.total = total end
  if string.find(header_text, '"se":1', 1, true) and s.state == 'o' then
    if policy.order == 's' then s.total = score - low(s) - policy.first + 1 else s.state = 'e' end
  end
  return score
end

local function is_member(s, seq)
  local score = tonumber(redis.call('ZSCORE', k_members, seq) or '')
  return score and score >= low(s) and score < low(s) + ORDERS
end

-- Puts a job into its session's line. False when it has none, and is ready at once.
local function line_up(seq, header_text, now)
  if not session_policy() then return false end
  local sid = session_of(header_text)
  if not sid then return false end
  local s = read_session(sid)
  -- What comes behind the end begins the session anew; before the finalising job is enqueued it goes on; behind a failure or
  -- a cancel it shares that.
  if not s or s.state == 'C' then
    if s then redis.call('ZREMRANGEBYSCORE', k_members, range_of(s)) end
    s = new_session(sid, now)
  elseif s.state == 'c' then
    s.state = 'e'
  elseif s.state == 'F' or s.state == 'f' then
    s.state = 'q'
  elseif s.state == 'X' or s.state == 'x' then
    s.state = 'k'
  end
  touch(s, now)
  -- One that is active has left the line already.
  if place_of(s.active, seq) and not redis.call('ZSCORE', k_line, seq) then return false end
  redis.call('ZADD', k_line, text(enter(s, seq, header_text)), seq)
  return true
end

-- Jobs of sessions that have ended: rows of { number, header text, completed }. The generation, where one ended them, keeps
-- the session for a while.
local function sessions_ended(rows, now, generation)
  if #rows == 0 or not session_policy() then return end
  for n = 1, #rows do
    local seq, header = rows[n][1], rows[n][2]
    local sid = session_of(header)
    local s = sid and read_session(sid)
    local at = s and (place_of(s.active, seq) or place_of(s.active, seq .. '!'))
    -- Also one that a step which ended in the midst has struck off already: the rest of that step is still to be done.
    if s then touch(s, now) end
    local early = s and not at and is_open(s) and not is_member(s, seq)
    if early then enter(s, seq, header) end
    if at or early or s and redis.call('ZSCORE', k_line, seq) then
      local outcome = outcome_of(header)
      if at and outcome == 'd' and policy.failure == 'w' and is_open(s) then
        s.active[at] = seq .. '!'
      else
        if at then table.remove(s.active, at) end
        local name = outcome == 'c' and 'done' or outcome == 'd' and 'failed' or 'cancelled'
        s[name] = s[name] + 1
      end
      -- Where a step ended in the midst, one that was active stood in the line still.
      redis.call('ZREM', k_line, seq)
      if generation then s.last = generation end
      if outcome == 'd' and policy.failure == 'f' and is_open(s) then s.state = 'q' end
    end
  end
end

-- Dead letters that are gone ("gone"), have another life ("again") or one with another payload, which is read anew ("edited"):
-- rows of { number, header text }. Returns those that do not stand in line for it, by number.
local function sessions_released(rows, now, how)
  local hold = {}
  if #rows == 0 or not session_policy() then return hold end
  for n = 1, #rows do
    local seq = rows[n][1]
    local sid = session_of(rows[n][2])
    local s = sid and read_session(sid)
    local at = s and place_of(s.active, seq .. '!')
    if s then touch(s, now) end
    if at and how == 'again' then
      s.active[at] = seq
      hold[seq] = true
    elseif at then
      table.remove(s.active, at)
      if how == 'gone' then s.failed = s.failed + 1 end
    elseif s and how == 'again' and is_over(s) then
      hold[seq] = true
    elseif s and how == 'again' and is_open(s) and s.failed > 0 and is_member(s, seq) and redis.call('ZSCORE', k_dead, seq) then
      s.failed = s.failed - 1
    end
  end
  return hold
end

-- The first in line behind so many, and its place in the order.
local function head_of(s, behind)
  local from, to = range_of(s)
  local head = redis.call('ZRANGEBYSCORE', k_line, from, to, 'WITHSCORES', 'LIMIT', behind or 0, 1)
  if not head[1] then return nil end
  return head[1], tonumber(head[2]) - low(s)
end

-- Without what follows it, which may be large: a copy of that for each job would be waste.
local function priority_of_record(record) return priority_of(string.sub(record, 1, string.find(record, '\n', 1, true) or 0)) end

-- The place among the ready ones of a job whose session lets it go: behind all that are ready. By the job's own number a
-- session whose jobs came first would have them all done before another had its first.
local function next_turn(seq)
  if not turn then
    local known = redis.call('HMGET', k_meta, 'turn', 'seq')
    turn = math.max(tonumber(known[1] or '') or 0, tonumber(known[2] or '') or 0)
  end
  turn = math.max(turn + 1, tonumber(seq))
  return turn
end

-- Notes who may go from the line to the ready ones; settle_sessions writes that of all sessions at once. Returns how many.
local function release(s, now, writes)
  local gone = 0
  while is_open(s) do
    local seq, order = head_of(s, gone)
    if not seq then
      local known = members_of(k_members, s)
      local lacks = policy.order == 's' and s.total > known + s.missing and #s.active == 0
      s.gap = lacks and (s.gap > 0 and s.gap or now) or 0
      break
    end
    -- One that is active already stood here still when a step ended in the midst.
    local known = place_of(s.active, seq)
    if not known then
      if #s.active >= policy.limit then break end
      if policy.order == 's' and order > s.next then
        if s.gap == 0 then s.gap = now end
        break
      end
      s.active[#s.active + 1] = seq
    end
    s.gap = 0
    s.next = math.max(s.next, order + 1)
    if policy.sticky > 0 and s.last ~= '-' then
      table.insert(writes.sticky, seq)
      table.insert(writes.sticky, s.last .. ' ' .. text(now + policy.sticky))
    end
    -- One that was started since then is not ready again; who is given a place just now is held only until that is done.
    if not known or placing[seq] or redis.call('HEXISTS', k_running, seq) == 0 then
      table.insert(writes.ready, ready_score(priority_of_record(redis.call('HGET', k_jobs[shard_of(seq)], seq) or ''), next_turn(seq)))
      table.insert(writes.ready, seq)
    end
    table.insert(writes.line, seq)
    gone = gone + 1
    if not known and #s.active >= policy.limit then break end
  end
  return gone
end

local function note_record(s, writes)
  local record = record_of(s)
  if record == s.record then return end
  s.record = record
  table.insert(writes.records, s.sid)
  table.insert(writes.records, record)
end

local function note_session(s, due, writes)
  note_record(s, writes)
  if due then
    table.insert(writes.due, text(due))
    table.insert(writes.due, s.sid)
  else
    table.insert(writes.undue, s.sid)
  end
end

-- The records first: a job is ready only once its session says that it is active; who is ready leaves the line last.
local function write_sessions(writes)
  call_many('HSET', k_sessions, writes.records)
  call_many('HSET', k_sticky, writes.sticky)
  call_many('ZADD', k_sessiondue, writes.due)
  call_many('ZREM', k_sessiondue, writes.undue)
  call_many('ZADD', k_ready, writes.ready)
  call_many('ZREM', k_line, writes.line)
end

local function close_session(s, now)
  s.state, s.percent = string.upper(s.state), 1000
  put_session(s)
  redis.call('ZADD', k_sessiondue, text(now + policy.keep), s.sid)
  redis.call('PUBLISH', a_events, 'session ' .. s.state .. ' ' .. s.sid)
end

-- Moves every session on that this step has touched. Returns how many jobs became ready.
local function settle_sessions(now)
  local ready, asked = 0, false
  local writes = { records = {}, sticky = {}, ready = {}, due = {}, undue = {}, line = {} }
  for i = 1, #touched do
    local s = touched[i]
    if s.state == 'o' and s.total > 0 and members_of(k_members, s) + s.missing >= s.total then s.state = 'e' end
    ready = ready + release(s, now, writes)
    local over = #s.active == 0 and not head_of(s)
    if over and (s.state == 'e' and s.gap == 0 or s.state == 'q' or s.state == 'k') then
      s.state = OUTCOMES[s.state] or 'c'
      if policy.final then
        note_session(s, now, writes)
        asked = true
      else
        close_session(s, now)
      end
    elseif s.state == 'q' or s.state == 'k' then
      -- What runs has been told: look again in a moment. What stands in line is cancelled at once.
      local waits_for_running = stepping and not head_of(s)
      note_session(s, waits_for_running and now + 1000 or now, writes)
      asked = asked or not waits_for_running
    elseif not is_open(s) then
      note_record(s, writes)
    elseif s.gap > 0 then
      note_session(s, s.gap + policy.gap, writes)
    elseif s.state == 'o' and over and policy.idle > 0 then
      note_session(s, s.touched + policy.idle, writes)
    else
      note_session(s, nil, writes)
    end
  end
  touched = {}
  write_sessions(writes)
  if turn then redis.call('HSET', k_meta, 'turn', text(turn)) end
  if asked then redis.call('PUBLISH', a_control, 'sessions') end
  return ready
end
