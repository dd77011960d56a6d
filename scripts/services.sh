#!/usr/bin/env bash
# Real parts for the tests on Debian, as root: PostgreSQL 15, a Docker engine of our own, a base image, Chromium, Java.
#
#   scripts/services.sh start    install what is missing, start what does not run, write .cache/services.env
#   scripts/services.sh stop     stop what `start` started
#
# Safe to repeat. Everything that takes long is kept in DATAOPS_SERVICES (default /var/tmp), outside the repository.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
services=${DATAOPS_SERVICES:-/var/tmp}
docker_home=$services/dataops-docker
postgres_home=$services/dataops-postgres
docker_url=unix://$docker_home/docker.sock
base_image=local/python:3.11-bookworm
postgres_bin=/usr/lib/postgresql/15/bin
env_file=$root/.cache/services.env
started=$root/.cache/services.started

say() { echo "services: $*"; }
fail() { echo "error: $1" >&2; [ $# -lt 2 ] || echo "hint: $2" >&2; exit 1; }

start() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "services are installed as root on Debian only." \
    "elsewhere start them yourself and set DATAOPS_TEST_POSTGRES_URL and DATAOPS_TEST_DOCKER_URL"
  mkdir -p "$root/.cache" "$docker_home" "$postgres_home"
  install_packages
  start_postgres
  start_docker
  make_base_image
  write_env
}

# -- packages --------------------------------------------------------------------------------------------------

install_packages() {
  local missing=()
  [ -x /usr/sbin/dockerd ] || missing+=(docker.io)
  command -v iptables >/dev/null || missing+=(iptables)
  command -v docker-compose >/dev/null || missing+=(docker-compose)
  command -v pgrep >/dev/null || missing+=(procps)
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
  [ -x $postgres_bin/initdb ] || missing+=(postgresql-15)
  command -v chromium >/dev/null || missing+=(chromium)
  command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  local log=$root/.cache/apt.log policy=/usr/sbin/policy-rc.d made_policy=
  # Packages must not start servers of their own: we start ours, on our own addresses.
  if [ ! -e $policy ]; then
    made_policy=1
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  timeout 300 apt-get update >"$log" 2>&1 || true
  timeout 900 apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 \
    "${missing[@]}" >>"$log" 2>&1 </dev/null || { tail -20 "$log" >&2; fail "apt could not install ${missing[*]}."; }
  [ -z "$made_policy" ] || rm -f $policy
}

# -- PostgreSQL ------------------------------------------------------------------------------------------------

as_postgres() { (cd / && timeout 120 runuser -u postgres -- "$@"); }

start_postgres() {
  local data=$postgres_home/data
  chown postgres "$postgres_home"
  if [ ! -f "$data/PG_VERSION" ]; then
    rm -rf "$data"
    as_postgres sh -c 'echo dataops >"$0"' "$postgres_home/password"
    as_postgres $postgres_bin/initdb --pgdata="$data" --username=dataops --pwfile="$postgres_home/password" \
      --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
  fi
  if ! as_postgres $postgres_bin/pg_ctl --pgdata="$data" status >/dev/null; then
    # Nothing in these databases outlives a test, so nothing needs to survive a power cut.
    as_postgres $postgres_bin/pg_ctl --pgdata="$data" --wait --silent --log="$postgres_home/log" \
      --options="-p $(free_port 54329) -c listen_addresses=127.0.0.1 -c unix_socket_directories=$postgres_home \
        -c fsync=off -c max_connections=200" start </dev/null >/dev/null \
      || { tail -20 "$postgres_home/log" >&2; fail "PostgreSQL does not start."; }
    echo postgres >>"$started"
  fi
  postgres_port=$(sed -n 4p "$data/postmaster.pid")
  say "PostgreSQL answers at 127.0.0.1:$postgres_port"
}

free_port() {  # PREFERRED: print it, or any other port when it is taken
  python3 - "$1" <<'PYTHON'
import socket, sys
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", int(sys.argv[1])))
    except OSError:
        probe.bind(("127.0.0.1", 0))
    print(probe.getsockname()[1])
PYTHON
}

# -- Docker ----------------------------------------------------------------------------------------------------

engine() { timeout "$1" docker --host "$docker_url" "${@:2}" </dev/null; }  # SECONDS COMMAND…

engine_answers() { engine 10 version >/dev/null 2>&1; }

start_docker() {
  if engine_answers; then
    say "the Docker engine answers at $docker_url"
    return
  fi
  local theirs=unix:///var/run/docker.sock
  if timeout 10 docker --host $theirs version >/dev/null 2>&1; then
    # Two engines would fight over the bridge docker0.
    docker_url=$theirs
    say "using the Docker engine that runs at $docker_url"
    return
  fi
  remove_dead_engine
  PATH=$PATH:/usr/sbin:/sbin setsid dockerd --data-root "$docker_home/data" --exec-root "$docker_home/exec" \
    --host "$docker_url" --pidfile "$docker_home/docker.pid" >"$docker_home/log" 2>&1 </dev/null &
  echo docker >>"$started"
  for _ in $(seq 60); do
    ! engine_answers || { say "the Docker engine answers at $docker_url"; return; }
    sleep 1
  done
  tail -20 "$docker_home/log" >&2
  fail "the Docker engine does not start." "see $docker_home/log"
}

remove_dead_engine() {  # what a killed engine leaves makes the next one wait for processes that are gone
  local mount
  stop_docker
  for mount in $(awk -v home="$docker_home/" 'index($2, home) == 1 { print $2 }' /proc/mounts | sort -r); do
    umount --lazy "$mount" || true
  done
  rm -rf "$docker_home/exec" "$docker_home/docker.pid" "$docker_home/docker.sock"
  mkdir -p "$docker_home/data" "$docker_home/exec"
}

make_base_image() {
  ! engine 30 image inspect $base_image >/dev/null 2>&1 || return 0
  local tree=$docker_home/rootfs bundle=/etc/ssl/certs/ca-certificates.crt
  if [ ! -e "$tree/.complete" ]; then
    say "making the base image; this takes about two minutes once"
    rm -rf "$tree"
    timeout 900 debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$tree" \
      >"$docker_home/debootstrap.log" 2>&1 </dev/null \
      || { tail -20 "$docker_home/debootstrap.log" >&2; fail "debootstrap failed."; }
    cp -L $bundle "$tree$bundle"
    rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/usr/lib/python3*/EXTERNALLY-MANAGED
    ln -sf python3 "$tree/usr/bin/python"
    touch "$tree/.complete"
  fi
  tar --directory "$tree" --exclude ./.complete --create . | timeout 300 docker --host "$docker_url" import \
    --change "ENV PIP_CERT=$bundle SSL_CERT_FILE=$bundle REQUESTS_CA_BUNDLE=$bundle" --change 'CMD ["python3"]' \
    - $base_image >/dev/null
  say "the base image $base_image is there"
}

# -- the end ---------------------------------------------------------------------------------------------------

write_env() {
  cat >"$env_file" <<ENV
DATAOPS_TEST_POSTGRES_URL=postgresql+psycopg://dataops:dataops@127.0.0.1:$postgres_port/postgres
DATAOPS_TEST_DOCKER_URL=$docker_url
DATAOPS_TEST_BASE_IMAGE=$base_image
DATAOPS_TEST_CHROMIUM=$(command -v chromium)
ENV
  say "wrote .cache/services.env; \`make test\` finds it"
}

stop() {
  [ -f "$started" ] || { say "nothing was started from here"; return; }
  ! grep -qx docker "$started" || { stop_docker; say "stopped the Docker engine"; }
  if grep -qx postgres "$started"; then
    as_postgres $postgres_bin/pg_ctl --pgdata="$postgres_home/data" --mode=fast --silent stop || true
    say "stopped PostgreSQL"
  fi
  rm -f "$started" "$env_file"
}

stop_docker() {
  local pid
  # A number may belong to another process by now: only processes that name our folder count.
  for pid in $(cat "$docker_home/docker.pid" 2>/dev/null); do
    grep -qa "$docker_home" "/proc/$pid/cmdline" 2>/dev/null && kill "$pid" 2>/dev/null || continue
    timeout 30 tail --pid="$pid" -f /dev/null || kill -9 "$pid" 2>/dev/null || true
  done
  # What a killed engine leaves: containerd, and a shim with its container's first process each.
  for pid in $(pgrep --full "$docker_home/exec/"); do
    pkill -9 --parent "$pid" || true
    kill -9 "$pid" 2>/dev/null || true
  done
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  *) fail "usage: services.sh start|stop" ;;
esac
