-- member_renew: join the cluster or renew the membership, by the server's clock; remove members whose time is up; say who is there.
--
-- KEYS[1]  the members: a hash, member id -> record
-- KEYS[2]  the members' loads: a hash, member id -> load; 'left' for one that left in order and is not purged yet
-- KEYS[3]  the living: a sorted set, member id by when its membership ends, ms
-- KEYS[4]  the view: a hash with "version", which grows with each change, and "tick", the time of the last renewal, ms
-- KEYS[5]  the dead: a sorted set, former member ids with traces to be purged, by when they ended, ms
-- ARGV[1]  the member id, name@generation
-- ARGV[2]  its record; any text, compared as a whole
-- ARGV[3]  its load; any text
-- ARGV[4]  for how long the membership holds, ms
-- ARGV[5]  a longer pause between renewals, or a step of the clock of more than this, is a gap, ms
-- ARGV[6]  'join' for a process's first time, which ends an older member of the same name; 'rejoin' for a new generation
--          of the same process; 'renew' for one that is a member
-- ARGV[7]  the version that the caller knows; empty for none
-- ARGV[8]  the channel of changes
-- ARGV[9]  the most members to remove at once
--
-- Reply: {'ok', version, server's time in ms, {ids of the dead}, {id, record, ...}, {ids that left in order}}, the members
--        and who left only when the version is not the one that the caller knows; or {'not-member'} when this generation is over: it never comes back.
-- Event: the new version, when members came, went or changed.
--
-- After a gap nobody is removed and every membership is extended once: the server or the clock stood still, not the
-- members. Who is in the sorted set is a member: only this script and member_leave take one out.

local function text(number) return string.format('%.0f', number) end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local id, ttl, gap = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local view = redis.call('HMGET', KEYS[4], 'version', 'tick')
local version, tick = view[1] or text(now), tonumber(view[2] or now)
local changed = not view[1]

if not redis.call('ZSCORE', KEYS[3], id) and (ARGV[6] == 'renew' or redis.call('ZSCORE', KEYS[5], id)) then
  return {'not-member'}
end

local function remove(gone)
  redis.call('ZADD', KEYS[5], text(now), gone)
  redis.call('ZREM', KEYS[3], gone)
  redis.call('HDEL', KEYS[1], gone)
  redis.call('HDEL', KEYS[2], gone)
  changed = true
end

if now - tick > gap or tick - now > gap then
  local members = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
  for i = 1, #members, 2 do
    redis.call('ZADD', KEYS[3], text(now + math.max(tonumber(members[i + 1]) - tick, ttl)), members[i])
  end
end

redis.call('ZADD', KEYS[3], text(now + ttl), id)
if redis.call('HGET', KEYS[1], id) ~= ARGV[2] then
  redis.call('HSET', KEYS[1], id, ARGV[2])
  changed = true
end
redis.call('HSET', KEYS[2], id, ARGV[3])

for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', text(now), 'LIMIT', 0, ARGV[9])) do
  remove(gone)
end
if ARGV[6] == 'join' then
  local name = string.match(id, '^(.*)@')
  for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    if other ~= id and string.match(other, '^(.*)@') == name then remove(other) end
  end
end

if changed then version = text(tonumber(version) + 1) end
redis.call('HSET', KEYS[4], 'version', version, 'tick', text(now))
if changed then redis.call('PUBLISH', ARGV[8], version) end

local members, left = {}, {}
if version ~= ARGV[7] then
  members = redis.call('HGETALL', KEYS[1])
  for _, former in ipairs(redis.call('ZREVRANGE', KEYS[5], 0, 31)) do
    if redis.call('HGET', KEYS[2], former) == 'left' then left[#left + 1] = former end
  end
end
return {'ok', version, text(now), redis.call('ZRANGE', KEYS[5], 0, 7), members, left}
