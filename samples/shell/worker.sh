#!/bin/sh
# A worker in plain sh: answers each job with the size of its payload in bytes. It shows that any language that can read
# and write lines will do; see docs/worker-protocol.md.
#   gristmill silo --queue sizes --worker 'sh samples/shell/worker.sh'
# It does one job at a time and needs no longer than to answer, so it has nothing to do for a `cancel`; and as it promises
# no heartbeats, its silence is not judged. At the end of stdin the silo is gone, and the loop ends.
LC_ALL=C
export LC_ALL
while IFS= read -r line; do
  type=${line#*\"type\":\"} type=${type%%\"*}
  id=${line#*\"id\":} id=${id%%[!0-9]*}
  case $type in
    hello) printf '{"type":"ready","protocol":1}\n' ;;
    job)
      case $line in
        *'"payload":'*)
          # The last field: what follows is the payload and the brace that ends the message.
          payload=${line#*\"payload\":}
          printf '{"type":"progress","id":%s,"done":1,"total":1}\n' "$id"
          printf '{"type":"result","id":%s,"result":{"bytes":%d}}\n' "$id" $((${#payload} - 1))
          ;;
        *) printf '{"type":"error","id":%s,"kind":"fatal","error":"NotJson","message":"the payload is no JSON"}\n' "$id" ;;
      esac
      ;;
    stop) exit 0 ;;
  esac
done
