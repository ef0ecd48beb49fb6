-- grain_lookup: say which members hold grains; changes nothing.
--
-- KEYS[1]  the living: a sorted set of member ids
-- KEYS[2]  the directory: a hash, grain -> member id
-- ARGV[1]  the first grain; more may follow
--
-- Reply: {holder, ...}, for each grain the member that holds it; empty for none, and for one that is no member any more.
-- Event: none.

local reply = {redis.call('HGET', KEYS[2], ARGV[1]) or ''}
for i = 2, #ARGV do reply[i] = redis.call('HGET', KEYS[2], ARGV[i]) or '' end
local living = {['']= true}
for i = 1, #reply do
  local holder = reply[i]
  if living[holder] == nil then living[holder] = redis.call('ZSCORE', KEYS[1], holder) and true or false end
  if not living[holder] then reply[i] = '' end
end
return reply
