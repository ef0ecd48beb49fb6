-- member_purge: take a part of what a former member has left behind; any member may do it, several at once too.
--
-- KEYS[1]  the living: a sorted set of member ids
-- KEYS[2]  the dead: a sorted set, former member ids with traces to be purged
-- KEYS[3]  the directory: a hash, grain -> member id
-- KEYS[4]  the set of grains that the former member has registered
-- KEYS[5]  the list of messages to the former member
-- KEYS[6]  the members' loads: a hash, member id -> load
-- ARGV[1]  the former member's id
-- ARGV[2]  the most grains to take in this step
-- ARGV[3]  for how long the messages stay, ms: one that left in order still reads and answers them
--
-- Reply: {how many grains are left}. With 0 left and the messages gone too, it is among the dead no more.
-- Event: none.

if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {0} end
for _, grain in ipairs(redis.call('SPOP', KEYS[4], ARGV[2]) or {}) do
  if redis.call('HGET', KEYS[3], grain) == ARGV[1] then redis.call('HDEL', KEYS[3], grain) end
end
local left = redis.call('SCARD', KEYS[4])
local time = redis.call('TIME')
local since = tonumber(time[1]) * 1000 - tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0)
if left == 0 and since >= tonumber(ARGV[3]) then
  redis.call('UNLINK', KEYS[5])
  redis.call('HDEL', KEYS[6], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return {left}
