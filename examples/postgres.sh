#!/bin/sh
# 20 clients at once in front of a PostgreSQL that takes 10: first directly, then through iawlb.
#
#   examples/postgres.sh
#
# Needs PostgreSQL (Debian: postgresql) and iawlb, which is $IAWLB, the one that was
# compiled here, the one in PATH, or the sources. The server is one of its own in a
# temporary folder; nothing that is installed is touched. Its port is $PGPORT or 15432, and that of
# iawlb 1000 more.
set -eu
postgres_port=${PGPORT:-15432}
iawlb_port=$((postgres_port + 1000))
busy=2 # seconds that each client's query takes

root=$(cd "$(dirname "$0")/.." && pwd)
iawlb=${IAWLB:-$(command -v "$root/iawlb" || command -v iawlb || echo "deno run --quiet -P $root/main.ts")}
for folder in /usr/lib/postgresql/*/bin; do PATH=$folder:$PATH; done
here=$PWD
folder=$(mktemp -d)
cd "$folder"
trap 'exit 1' INT TERM
trap 'kill $(cat "$folder"/*.pid) 2>/dev/null || true; wait; cd /; rm -rf "$folder"' EXIT

# PostgreSQL refuses to run as root.
as_user=
if [ "$(id -u)" -eq 0 ]; then
  as_user='setpriv --reuid=postgres --regid=postgres --clear-groups'
  chown postgres "$folder"
fi
$as_user initdb -D "$folder/data" -U postgres -A trust --no-sync >/dev/null
$as_user postgres -D "$folder/data" -p "$postgres_port" -c unix_socket_directories= \
  -c max_connections=10 2>"$folder/postgres.log" &
echo $! >"$folder/postgres.pid"
until pg_isready -q -h 127.0.0.1 -p "$postgres_port"; do
  kill -0 $! 2>/dev/null || { cat "$folder/postgres.log" >&2 && exit 1; }
  sleep 0.1
done

clients() { # clients PORT: how many of 20 are served
  for i in $(seq 20); do
    psql -q -h 127.0.0.1 -p "$1" -U postgres -c "select pg_sleep($busy)" >"$folder/$i" 2>&1 &
    echo $! >"$folder/client$i.pid"
  done
  failed=0
  for i in $(seq 20); do
    wait "$(cat "$folder/client$i.pid")" || failed=$((failed + 1))
    rm "$folder/client$i.pid"
  done
  grep -h FATAL "$folder"/[0-9]* | sort -u | sed 's/.*FATAL: */  /' || true
  echo "  $((20 - failed)) served, $failed failed"
}

echo "directly:"
clients "$postgres_port"

echo "through iawlb with workers=5:"
(
  cd "$here" # where the path in $IAWLB may begin
  exec $iawlb --half-close abandon "127.0.0.1:$iawlb_port" "127.0.0.1:$postgres_port,workers=5"
) >"$folder/access.log" 2>"$folder/iawlb.log" &
echo $! >"$folder/iawlb.pid"
until grep -qs 'listening on' "$folder/iawlb.log"; do
  kill -0 $! 2>/dev/null || { cat "$folder/iawlb.log" >&2 && exit 1; }
  sleep 0.1
done
clients "$iawlb_port"
