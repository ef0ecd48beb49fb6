-- progress: notes how far running jobs of this generation are.
--
-- KEYS   running:hash progress:hash
-- ARGV   events generation
-- ITEMS  seq counter progress
--        progress: a JSON array, [done, total, "message"]
-- REPLY  status refused[]: numbers whose lease was lost
-- EVENT  progress seq json, one for each job

local seqs = {}
for i = FIRST, #ARGV, 3 do seqs[#seqs + 1] = ARGV[i] end
local running = get_many(k_running, seqs)
local values, refused = {}, {}
for n = 1, #seqs do
  local i = FIRST + (n - 1) * 3
  if holds(running[n], ARGV[i + 1], a_generation) then
    values[#values + 1] = seqs[n]
    values[#values + 1] = ARGV[i + 2]
  else
    refused[#refused + 1] = seqs[n]
  end
end
if #values > 0 then
  call_many('HSET', k_progress, values)
  for i = 1, #values, 2 do redis.call('PUBLISH', a_events, 'progress ' .. values[i] .. ' ' .. values[i + 1]) end
end
return { OK, refused }
