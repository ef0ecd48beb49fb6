-- member_leave: end a membership.
--
-- KEYS[1]  the members: a hash, member id -> record
-- KEYS[2]  the members' loads: a hash, member id -> load; 'left' for one that left in order and is not purged yet
-- KEYS[3]  the living: a sorted set, member id by when its membership ends, ms
-- KEYS[4]  the view: a hash with "version" and "tick"
-- KEYS[5]  the dead: a sorted set, former member ids with traces to be purged, by when they ended, ms
-- ARGV[1]  the member id
-- ARGV[2]  the channel of changes
--
-- Reply: {1}, or {0} when it was no member.
-- Event: the new version, when it was one.

local function text(number) return string.format('%.0f', number) end

if not redis.call('ZSCORE', KEYS[3], ARGV[1]) then return {0} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[5], text(now), ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], 'left')
local known = redis.call('HGET', KEYS[4], 'version')
local version = text((known and #known < 16 and string.match(known, '^%d+$') and tonumber(known) or now) + 1)
redis.call('HSET', KEYS[4], 'version', version)
redis.call('PUBLISH', ARGV[2], version)
return {1}
