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
-- ARGV[10] longer than any membership can hold, ms
--
-- Reply: {'ok', version, server's time in ms, {ids of the dead}, {id, record, ...}, {ids that left in order}, {ids of
--        strangers}}, the members and who left only when the version is not the one that the caller knows; or {'not-member'}
--        when this generation is over: it never comes back.
-- Event: the new version, when members came, went or changed.
--
-- After a gap nobody is removed and every membership is extended once: the server or the clock stood still, not the
-- members. Who is in the sorted set is a member: only this script and member_leave take one out.
-- What this script and its like have not written is no member but a stranger: a record whose id is not among the living, a
-- membership that ends later than any that was renewed (it gets the time of one renewal), an id that is none. Strangers
-- are taken out and named.

local function text(number) return string.format('%.0f', number) end

local function whole(value) return value and #value < 16 and string.match(value, '^%d+$') and tonumber(value) or nil end

local ID = '^.+@' .. string.rep('[0-9a-f]', 32) .. '$'

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local id, ttl, gap, most = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[9])
local view = redis.call('HMGET', KEYS[4], 'version', 'tick')
local version, tick = whole(view[1]) or now, whole(view[2]) or now
local changed = not whole(view[1])
local strangers = {}

if not redis.call('ZSCORE', KEYS[3], id) and (ARGV[6] == 'renew' or redis.call('ZSCORE', KEYS[5], id)) then
  return {'not-member'}
end

local function remove(gone)
  if string.match(gone, ID) then
    redis.call('ZADD', KEYS[5], text(now), gone)
  else
    strangers[#strangers + 1] = gone
  end
  redis.call('ZREM', KEYS[3], gone)
  redis.call('HDEL', KEYS[1], gone)
  redis.call('HDEL', KEYS[2], gone)
  changed = true
end

-- After a step of the clock the ends of all are far away, and none of them is a stranger's.
local paused = now - tick > gap or tick - now > gap
local far = text(now + tonumber(ARGV[10]))
for _, late in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], far, '+inf', 'LIMIT', 0, most)) do
  redis.call('ZADD', KEYS[3], text(now + ttl), late)
  if not paused then strangers[#strangers + 1] = late end
end

if paused then
  local members = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
  for i = 1, #members, 2 do
    redis.call('ZADD', KEYS[3], text(now + math.max((tonumber(members[i + 1]) or 0) - tick, ttl)), members[i])
  end
end

redis.call('ZADD', KEYS[3], text(now + ttl), id)
if redis.call('HGET', KEYS[1], id) ~= ARGV[2] then
  redis.call('HSET', KEYS[1], id, ARGV[2])
  changed = true
end
redis.call('HSET', KEYS[2], id, ARGV[3])

for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', text(now), 'LIMIT', 0, most)) do
  remove(gone)
end
if ARGV[6] == 'join' then
  local name = string.match(id, '^(.*)@')
  for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    if other ~= id and string.match(other, '^(.*)@') == name then remove(other) end
  end
end

local members = {}
local counts = redis.call('HLEN', KEYS[1]) == redis.call('ZCARD', KEYS[3])
if changed or not counts or text(version) ~= ARGV[7] then
  local records = redis.call('HGETALL', KEYS[1])
  for i = 1, #records, 2 do
    if redis.call('ZSCORE', KEYS[3], records[i]) then
      members[#members + 1] = records[i]
      members[#members + 1] = records[i + 1]
    elseif #strangers < most then
      strangers[#strangers + 1] = records[i]
      redis.call('HDEL', KEYS[1], records[i])
      redis.call('HDEL', KEYS[2], records[i])
    end
  end
end

if changed then version = version + 1 end
redis.call('HSET', KEYS[4], 'version', text(version), 'tick', text(now))
if changed then redis.call('PUBLISH', ARGV[8], text(version)) end

local dead, left = {}, {}
for _, late in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], far, '+inf', 'LIMIT', 0, most)) do
  redis.call('ZADD', KEYS[5], text(now), late)
end
for _, former in ipairs(redis.call('ZRANGE', KEYS[5], 0, 7)) do
  if string.match(former, ID) then
    dead[#dead + 1] = former
  else
    redis.call('ZREM', KEYS[5], former)
    strangers[#strangers + 1] = former
  end
end
if text(version) == ARGV[7] then
  members = {}
else
  for _, former in ipairs(redis.call('ZREVRANGE', KEYS[5], 0, 31)) do
    if redis.call('HGET', KEYS[2], former) == 'left' then left[#left + 1] = former end
  end
end
return {'ok', text(version), text(now), dead, members, left, strangers}
