-- message_send: put messages into a member's inbox, all or none.
--
-- KEYS[1]  the living: a sorted set of member ids
-- KEYS[2]  the inbox: a list, oldest first
-- ARGV[1]  the member id
-- ARGV[2]  the most messages that may wait in the inbox, these among them
-- ARGV[3]  for how long an inbox that nobody sends to is kept, ms; the messages follow
--
-- Reply: {'ok'}, or {'not-member'} or {'full'} and nothing was sent.
-- Event: the push wakes the member, which waits at its inbox.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'not-member'} end
if redis.call('LLEN', KEYS[2]) + #ARGV - 3 > tonumber(ARGV[2]) then return {'full'} end
for i = 4, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {'ok'}
