-- session_view: how far a session is. What it once said of the progress it never takes back.
--
-- USES   sessions
-- KEYS   meta:hash ready:zset line:zset progress:hash sessions:hash members:zset sessiondue:zset sticky:hash jobs:hash*16
-- ARGV   session
-- REPLY  status found state done failed cancelled missing total arrived waiting opened touched percent order active[]: total
--        is 0 while nobody knows it; percent: tenths of a percent, -1 while the total is not known; active: numbers of the
--        jobs that run, are ready or wait for another attempt, with "!" the dead letters that hold the session
-- EVENT  none

local bad = any_wrong_shard()
if bad then return bad end
local s = read_session(a_session)
if not s or not session_policy() then return { OK, 0 } end
local arrived, waiting = members_of(k_members, s), members_of(k_line, s)
local total = is_over(s) and arrived + s.missing or s.state == 'o' and s.total or math.max(s.total, arrived + s.missing)
if total > 0 and not is_over(s) then
  local running = 0
  local progress = redis.call('HLEN', k_progress) > 0 and #s.active > 0 and get_many(k_progress, s.active) or {}
  for n = 1, #s.active do
    local part, whole = string.match(progress[n] or '', '^%[(%d+),(%d+)')
    if whole and tonumber(whole) > 0 then running = running + math.min(1, tonumber(part) / tonumber(whole)) end
  end
  local percent = math.min(999, math.floor(1000 * (s.done + s.failed + s.cancelled + s.missing + running) / total))
  if percent > s.percent then
    s.percent = percent
    even_without_memory(k_sessions)
    put_session(s)
  end
end
local shown = (total > 0 or is_over(s)) and s.percent or -1
return {
  OK, 1, s.state, text(s.done), text(s.failed), text(s.cancelled), text(s.missing), text(total), text(arrived), text(waiting),
  text(s.opened), text(s.touched), text(shown), policy.order, s.active,
}
