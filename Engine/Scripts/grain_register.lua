-- grain_register: make a member the holder of grains, where no other member is.
--
-- KEYS[1]  the living: a sorted set of member ids
-- KEYS[2]  the directory: a hash, grain -> member id
-- KEYS[3]  the set of grains that this member has registered
-- ARGV[1]  the member id; the grains follow
--
-- Reply: {'ok', holder, ...}, for each grain the member that holds it, this one or another; or {'not-member'} and nothing
--        is changed. An entry that names no member any more counts as none.
-- Event: none.

local me = ARGV[1]
if not redis.call('ZSCORE', KEYS[1], me) then return {'not-member'} end
local reply = {'ok'}
for i = 2, #ARGV do
  local holder = redis.call('HGET', KEYS[2], ARGV[i])
  if not holder or (holder ~= me and not redis.call('ZSCORE', KEYS[1], holder)) then
    -- The set first: what stands in the directory can always be purged.
    redis.call('SADD', KEYS[3], ARGV[i])
    redis.call('HSET', KEYS[2], ARGV[i], me)
    holder = me
  end
  reply[i] = holder
end
return reply
