#!/usr/bin/env bash
# A worker in plain bash: answers each job with the size of its payload. It shows that any language that can read and
# write lines will do; see docs/worker-protocol.md.
#   gristmill silo --queue sizes --worker 'bash samples/shell/worker.sh'
set -u
while IFS= read -r line; do
  type=$([[ $line =~ \"type\":\"([a-z]+)\" ]] && printf %s "${BASH_REMATCH[1]}")
  case $type in
    hello) printf '{"type":"ready","protocol":1}\n' ;;
    job)
      [[ $line =~ \"id\":([0-9]+) ]] && id=${BASH_REMATCH[1]}
      payload=${line#*\"payload\":}
      printf '{"type":"progress","id":%s,"done":1,"total":1}\n' "$id"
      printf '{"type":"result","id":%s,"result":{"bytes":%d}}\n' "$id" $((${#payload} - 1))
      ;;
    stop) exit 0 ;;
  esac
done
