-- grain_unregister: end a member's holding of grains, where it is still the holder.
--
-- KEYS[1]  the directory: a hash, grain -> member id
-- KEYS[2]  the set of grains that this member has registered
-- ARGV[1]  the member id; the grains follow
--
-- Reply: {how many it held}
-- Event: none.

local held = 0
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    held = held + 1
  end
  redis.call('SREM', KEYS[2], ARGV[i])
end
return {held}
