#!/bin/bash
# Clients out to lunch, and what others have of that: starts a server of HTTP, sends so many halves of
# a request, and says how many of 16 further clients are answered within 2 s.
#
#   examples/lunch.sh [AT_LUNCH] PROGRAM ARGUMENTS, of which the first number of four or five digits is the port
set -euo pipefail

at_lunch=1
if [[ $1 =~ ^[0-9]+$ ]]; then
  at_lunch=$1
  shift
fi
for port in "$@"; do
  if [[ $port =~ ^[0-9]{4,5}$ ]]; then break; fi
done

"$@" >/dev/null 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server || true' EXIT
until curl -s -o /dev/null -m 20 "127.0.0.1:$port"; do
  kill -0 $server 2>/dev/null # It may have failed.
  sleep 0.1
done
# The processes that are there beforehand are there by then.
sleep 1

lunches=()
for ((i = 0; i < at_lunch; i++)); do
  exec {lunch}<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET / HT' >&"$lunch"
  lunches+=("$lunch")
done
sleep 0.5

others=()
for ((i = 0; i < 16; i++)); do
  curl -s -o /dev/null -m 2 "127.0.0.1:$port" &
  others+=($!)
done
answered=0
for other in "${others[@]}"; do
  if wait "$other"; then answered=$((answered + 1)); fi
done
for lunch in "${lunches[@]}"; do exec {lunch}>&-; done

case $answered in
  0) echo "$at_lunch at lunch: nobody else is answered" ;;
  16) echo "$at_lunch at lunch: all others are answered" ;;
  *) echo "$at_lunch at lunch: some are answered, others wait" ;;
esac
