-- replies: what a producer that waits on its reply_to is told of a job that ended otherwise than by a result. The outbox gets
-- the header, so that what becomes of the record meanwhile does not matter; who sends makes the message of it.
-- Used by scripts that say USES replies.

local BEGINNING = 16384 -- bytes of an unread payload, in which who sends looks for the address

local has_replies, told = nil, 0

-- A job that ended: its header text, and the record from the newline on. Queues that allow no reply lists are left out, and
-- so are jobs that have been read and name none.
local function tell_reply(seq, header_text, rest)
  if has_replies == nil then has_replies = redis.call('HEXISTS', k_meta, 'replies') == 1 end
  if not has_replies then return end
  local named = string.find(header_text, '"rt":"', 1, true)
  if not named and not string.find(header_text, '"raw":1', 1, true) then return end
  redis.call('RPUSH', k_outbox, '?' .. seq .. ' ' .. header_text .. string.sub(rest, 1, named and 1 or BEGINNING + 1))
  told = told + 1
end

-- Silos send at once what they hear of, and look from time to time.
local function announce_replies()
  if told > 0 then redis.call('PUBLISH', a_control, 'outbox') end
end
