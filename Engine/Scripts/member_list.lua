-- member_list: say who the members are and how busy, for people and tools; changes nothing.
--
-- KEYS[1]  the members: a hash, member id -> record
-- KEYS[2]  the members' loads: a hash, member id -> load
-- KEYS[3]  the living: a sorted set, member id by when its membership ends, ms
--
-- Reply: {server's time in ms, id, record, load, ms until its membership ends, id, ...}
-- Event: none.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local reply = {string.format('%.0f', now)}
local FAR = 1000000000000
local living = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
for i = 1, #living, 2 do
  reply[#reply + 1] = living[i]
  reply[#reply + 1] = redis.call('HGET', KEYS[1], living[i]) or ''
  reply[#reply + 1] = redis.call('HGET', KEYS[2], living[i]) or ''
  -- An end that is infinite is no silo's: the next renewal sees to it.
  reply[#reply + 1] = string.format('%.0f', math.max(-FAR, math.min(FAR, (tonumber(living[i + 1]) or now) - now)))
end
return reply
