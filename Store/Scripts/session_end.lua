-- session_end: ends a session once what has come is worked off, cancels it with all that it holds, or closes it once its finalising
-- job is enqueued.
--
-- USES   sessions
-- KEYS   meta:hash running:hash ready:zset line:zset sessions:hash members:zset sessiondue:zset sticky:hash jobs:hash*16
-- ARGV   events control session verb
--        verb: e ends, k cancels, c closes
-- REPLY  status verdict: ended, cancelling, closed, over (too late), or unknown
-- EVENT  session state name; on the control channel: wake, sessions

local bad = any_wrong_shard()
if bad then return bad end
local s = session_policy() and read_session(a_session) or nil
if not s then return { OK, 'unknown' } end
local now, verdict = server_now(), 'over'
even_without_memory(k_sessions)
if a_verb == 'c' then
  if s.state == 'c' or s.state == 'f' or s.state == 'x' then close_session(s, now) end
  verdict = is_over(s) and 'closed' or 'over'
elseif a_verb == 'e' and is_open(s) then
  s.state, verdict = 'e', 'ended'
  touch(s, now)
elseif a_verb == 'k' and (is_open(s) or s.state == 'q' or s.state == 'k') then
  s.state, verdict = 'k', 'cancelling'
  touch(s, now)
end
local woken = settle_sessions(now)
if woken > 0 then redis.call('PUBLISH', a_control, 'wake') end
return { OK, verdict }
