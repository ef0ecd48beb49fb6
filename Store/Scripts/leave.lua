-- leave: gives up the lease of a generation that holds no job any more.
--
-- KEYS   leases:zset silos:hash running:hash
-- ARGV   generation
-- REPLY  status held: how many jobs it still holds; the lease stays while there are any
-- EVENT  none

local running = redis.call('HVALS', k_running)
local held = 0
for i = 1, #running do
  if string.match(running[i], '^%S+ (%S+) ') == a_generation then held = held + 1 end
end
if held == 0 then
  redis.call('ZREM', k_leases, a_generation)
  redis.call('HDEL', k_silos, a_generation)
end
return { OK, held }
