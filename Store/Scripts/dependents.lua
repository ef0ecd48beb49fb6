-- dependents: jobs that wait for other jobs. The deferred hash maps a waiting job's number to the ids that it still waits
-- for, a line each; the waiters hash maps a parent's id to the numbers that wait for it.
-- Used by scripts that say USES replies sessions dependents.

local MAX_WAITERS_BYTES = 131072 -- numbers that wait for one id, some 10,000: each new one copies them all

-- A reply when a shard is of the wrong type and dependents, or others of a session, would be read or written; nil when all is well.
local function wrong_dependents(any)
  if not any and redis.call('HLEN', k_waiters) == 0 and not session_policy() then return nil end
  return any_wrong_shard()
end

local function make_ready(seq, header_text, now)
  local due = tonumber(string.match(header_text, '"due":(%d+)'))
  if due and due > now then
    redis.call('ZADD', k_scheduled, text(due), seq)
    note('scheduled', seq)
  else
    if not line_up(seq, header_text, now) then redis.call('ZADD', k_ready, ready_score(priority_of(header_text), seq), seq) end
    note('queued', seq)
  end
end

local function bury(seq, record, why, message, now)
  count('dead', 1)
  local header_text, rest = split(record)
  if not outcome_of(header_text) then
    local header = cjson.decode(header_text)
    header.st, header.t1, header.why = 'd', now, why
    add_error(header, why, message, now, 0)
    header_text = encode(header)
    put_records({ seq }, { header_text .. rest })
  end
  tell_reply(seq, header_text, rest)
  mark_dead({ text(now), seq })
  redis.call('HDEL', k_deferred, seq)
  note('dead', seq)
  return header_text
end

local function bury_failed(seq, record, parent, now)
  return bury(seq, record, 'dependency_failed', 'The job ' .. parent .. ' that this one depends on did not complete.', now)
end

-- The lines without this one, and whether it was among them.
local function without_line(lines, gone)
  local left, found = {}, false
  for line in string.gmatch(lines, '[^\n]+') do
    if line == gone then found = true else left[#left + 1] = line end
  end
  return table.concat(left, '\n'), found
end

-- Tells the dependents of ended jobs: rows of { seq, header text, completed }. Others may wait for a job by its explicit
-- id or by the store's own. Returns how many became ready and dead.
local function tell_dependents(rows, epoch, now)
  if redis.call('HLEN', k_waiters) == 0 then return 0, 0 end
  local woken, buried, at = 0, 0, 1
  while at <= #rows do
    local row = rows[at]
    local names = { epoch .. '-' .. row[1], cjson.decode(row[2]).id }
    for n = 1, #names do
      local waiting = redis.call('HGET', k_waiters, names[n])
      for child in string.gmatch(waiting or '', '%d+') do
        local left, waits = without_line(redis.call('HGET', k_deferred, child) or '', names[n])
        local record = waits and get_records({ child })[1]
        local outcome = record and outcome_of((split(record)))
        -- One that is dead and still waits was being buried when an earlier try ended.
        if outcome and (outcome ~= 'd' or row[3]) then record = nil end
        if record and not row[3] then
          rows[#rows + 1] = { child, bury_failed(child, record, names[n], now), false }
          buried = buried + 1
        elseif record and left ~= '' then
          redis.call('HSET', k_deferred, child, left)
        elseif record then
          make_ready(child, (split(record)), now)
          redis.call('HDEL', k_deferred, child)
          woken = woken + 1
        end
      end
      if waiting then redis.call('HDEL', k_waiters, names[n]) end
    end
    at = at + 1
  end
  return woken, buried
end

-- Of these parents (ids on one line each), those that have not ended, and the first that ended without completing. A job
-- that waits for itself has failed already.
local function outstanding(own, after, epoch)
  local waiting = {}
  for parent in string.gmatch(after, '[^\n]+') do
    local seq = find_seq(parent, epoch)
    if seq == own then return {}, parent end
    local record = seq and get_records({ seq })[1]
    local state = record and outcome_of((split(record)))
    if state == 'd' or state == 'x' then return {}, parent end
    -- A known job whose record retention has removed has ended long ago.
    local gone = seq and not record
    if state ~= 'c' and not gone then waiting[#waiting + 1] = parent end
  end
  return waiting, nil
end

-- The first of these ids that too many wait for already; nil when there is room.
local function no_room_to_wait(parents)
  for i = 1, #parents do
    if #(redis.call('HGET', k_waiters, parents[i]) or '') > MAX_WAITERS_BYTES then return parents[i] end
  end
  return nil
end

local function wait_for(seq, parents)
  redis.call('HSET', k_deferred, seq, table.concat(parents, '\n'))
  for i = 1, #parents do
    local others = redis.call('HGET', k_waiters, parents[i])
    if not others then
      redis.call('HSET', k_waiters, parents[i], seq)
    elseif not string.find(' ' .. others .. ' ', ' ' .. seq .. ' ', 1, true) then
      redis.call('HSET', k_waiters, parents[i], others .. ' ' .. seq)
    end
  end
end
