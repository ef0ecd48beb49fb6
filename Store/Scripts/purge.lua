-- purge: forgets dead letters for good.
--
-- KEYS   meta:hash dead:zset jobs:hash*16
-- ARGV   events
-- ITEMS  seq
-- REPLY  status purged
-- EVENT  purged seq …

local given, seqs = each_once(FIRST, 1), {}
for i = 1, #given do
  if redis.call('ZSCORE', k_dead, given[i]) then seqs[#seqs + 1] = given[i] end
end
local bad = wrong_shard(seqs)
if bad then return bad end
if #seqs > 0 then
  drop_records(seqs)
  count('purged', #seqs)
  redis.call('PUBLISH', a_events, 'purged ' .. table.concat(seqs, ' '))
  call_many('ZREM', k_dead, seqs)
end
return { OK, #seqs }
