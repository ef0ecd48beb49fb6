-- purge: forgets dead letters for good.
--
-- KEYS   meta:hash dead:zset jobs:hash*16
-- ARGV   events
-- ITEMS  seq
-- REPLY  status purged
-- EVENT  purged seq …

local seqs = {}
for i = FIRST, #ARGV do
  if redis.call('ZSCORE', k_dead, ARGV[i]) then seqs[#seqs + 1] = ARGV[i] end
end
local bad = wrong_shard(seqs)
if bad then return bad end
if #seqs > 0 then
  drop_records(seqs)
  call_many('ZREM', k_dead, seqs)
  count('purged', #seqs)
  redis.call('PUBLISH', a_events, 'purged ' .. table.concat(seqs, ' '))
end
return { OK, #seqs }
