-- renew: joins the queue with a generation, or renews its lease, and says what the store thinks that it holds.
--
-- KEYS   meta:hash leases:zset silos:hash running:hash cancels:hash sessions:hash
-- ARGV   generation silo ttl join schema mirror replies sessions
--        ttl: ms; join: 1 to take a lease, 0 to renew one that is still there; mirror: the foreign list that gets the
--        queue's dead letters too, "" for none; replies: which lists a reply_to may name, "" for none; sessions: the policy
--        for jobs that belong together, "" for none
-- REPLY  status epoch state held[] cancels[]: state of the queue (empty, paused or draining), number and counter of each
--        job held, number and reason of each that is to be cancelled; with status SCHEMA, the schema found instead
-- EVENT  none

local meta = redis.call('HMGET', k_meta, 'epoch', 'state', 'schema', 'mirror', 'replies', 'sessions')
if meta[3] and meta[3] ~= a_schema then return { SCHEMA, meta[1] or '', meta[3] } end
local known = redis.call('ZSCORE', k_leases, a_generation)
if not known and a_join == '0' then return { NO_LEASE, meta[1] or '' } end

even_without_memory(k_cancels)
redis.call('ZADD', k_leases, text(server_now() + tonumber(a_ttl)), a_generation)
if not known then
  redis.call('HSET', k_silos, a_generation, a_silo)
  redis.call('HSET', k_meta, 'schema', a_schema)
end

local function set(name, known, value)
  if (known or '') == value then return end
  if value == '' then
    redis.call('HDEL', k_meta, name)
  else
    redis.call('HSET', k_meta, name, value)
  end
end

set('mirror', meta[4], a_mirror)
set('replies', meta[5], a_replies)
-- A silo that knows no sessions does not take the policy from those that there are.
if a_sessions ~= '' or redis.call('HLEN', k_sessions) == 0 then set('sessions', meta[6], a_sessions) end

local held, cancels = {}, {}
local running = redis.call('HGETALL', k_running)
local asked = redis.call('HLEN', k_cancels) > 0
for i = 1, #running, 2 do
  local counter, generation = string.match(running[i + 1], '^(%S+) (%S+) ')
  if generation == a_generation then
    held[#held + 1] = running[i]
    held[#held + 1] = counter
    local reason = asked and redis.call('HGET', k_cancels, running[i])
    if reason then
      cancels[#cancels + 1] = running[i]
      cancels[#cancels + 1] = reason
    end
  end
end
return { OK, meta[1] or '', meta[2] or '', held, cancels }
