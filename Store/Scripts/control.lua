-- control: pauses, drains or resumes a queue. Paused, nothing is claimed or started; draining, nothing is claimed.
--
-- KEYS   meta:hash
-- ARGV   control state
--        state: paused, draining, or "" to resume
-- REPLY  status
-- EVENT  on the control channel: state paused, state draining, or state

even_without_memory(k_meta)
if a_state == '' then
  redis.call('HDEL', k_meta, 'state')
else
  redis.call('HSET', k_meta, 'state', a_state)
end
redis.call('PUBLISH', a_control, 'state ' .. a_state)
return { OK }
