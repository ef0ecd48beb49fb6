-- member_purge: take a part of what a former member has left behind; any member may do it, several at once too.
--
-- KEYS[1]  the living: a sorted set of member ids
-- KEYS[2]  the dead: a sorted set, former member ids with traces to be purged
-- KEYS[3]  the directory: a hash, grain -> member id
-- KEYS[4]  the set of grains that the former member has registered
-- KEYS[5]  the list of messages to the former member
-- ARGV[1]  the former member's id
-- ARGV[2]  the most grains to take in this step
--
-- Reply: {how many grains are left}; with 0 left there is no trace any more.
-- Event: none.

if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {0} end
for _, grain in ipairs(redis.call('SPOP', KEYS[4], ARGV[2]) or {}) do
  if redis.call('HGET', KEYS[3], grain) == ARGV[1] then redis.call('HDEL', KEYS[3], grain) end
end
local left = redis.call('SCARD', KEYS[4])
if left == 0 then
  redis.call('UNLINK', KEYS[5])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return {left}
