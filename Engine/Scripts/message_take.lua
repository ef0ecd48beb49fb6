-- message_take: take the oldest messages out of this member's inbox.
--
-- KEYS[1]  the inbox: a list, oldest first
-- ARGV[1]  the most messages to take
--
-- Reply: {message, ...}
-- Event: none.

local messages = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
if #messages > 0 then redis.call('LTRIM', KEYS[1], #messages, -1) end
return messages
