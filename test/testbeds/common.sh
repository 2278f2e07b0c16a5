# Sourced by the test beds. A bed keeps all its files in one directory and all its processes in one process-id namespace:
# ending the namespace's first process ends everything that was started in it, jobs included, whatever detached itself.

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Start time of a process that lives, in clock ticks: with the id it names one process for good. Zombies count as gone.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  case $1 in Z | X) return 1 ;; esac
  echo "${20}"
}

# Process id of the namespace's first process; fails when the bed is down.
keeper() {
  local pid started
  read -r pid started 2>/dev/null <"$bed/keeper" || return 1
  [ "$(start_time "$pid")" = "$started" ] || return 1
  echo "$pid"
}

# Makes the namespace. Arguments: shell commands to run in it first. The keeper reaps what is orphaned.
start_keeper() {
  local outer inner='' _
  setsid unshare --mount --uts --pid --fork --mount-proc --kill-child=KILL --propagation private \
    bash -c "trap '' HUP INT TERM; ${1:-:} && : >'$bed/keeper.ready'; while :; do sleep 3600 & wait \$!; done" \
    </dev/null >>"$bed/log/keeper.log" 2>&1 &
  outer=$!
  for _ in $(seq 500); do
    inner=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null) || true
    inner=${inner// /}
    [ -n "$inner" ] && [ -e "$bed/keeper.ready" ] && break
    sleep 0.02
  done
  [ -n "$inner" ] && [ -e "$bed/keeper.ready" ] || die "cannot make a process namespace; see $bed/log/keeper.log"
  echo "$inner $(start_time "$inner")" >"$bed/keeper"
}

# Runs a command inside the namespace.
inside() { nsenter -t "$(keeper)" -m -u -p --wd=/ -- "$@"; }

stop_keeper() {
  local pid _
  pid=$(keeper) || return 0
  kill -KILL "$pid"
  for _ in $(seq 250); do
    start_time "$pid" >/dev/null || break
    sleep 0.02
  done
}

# The first of so many neighbouring ports on which nobody listens.
free_ports() {
  local count=$1 base port _
  for _ in $(seq 100); do
    base=$((20000 + RANDOM % 10000))
    for port in $(seq "$base" $((base + count - 1))); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    echo "$base"
    return
  done
  die "no free ports"
}

# Reads `start|stop DIR` and the options; sets bed, verb and the rest of the arguments.
read_bed() {
  verb=${1:-}
  bed=$(readlink -m "${2:-}")
  [ -n "${2:-}" ] || die "give: start|stop and a directory"
  case $bed in *[[:space:]]*) die "the directory's path may have no blanks: $bed" ;; esac
  [ "${#bed}" -le 80 ] || die "the directory's path is longer than the 80 characters that leave room for a socket's name: $bed"
}

# Claims the directory: it must be new, empty or a bed of this kind.
claim_bed() {
  [ "$(id -u)" = 0 ] || die "needs root: daemons and namespaces"
  if [ -e "$bed" ] && [ -n "$(ls -A "$bed")" ] && [ "$(cat "$bed/bed" 2>/dev/null)" != "$1" ]; then die "$bed holds other files"; fi
  mkdir -p "$bed"/{bin,log}
  chmod 755 "$bed"
  echo "$1" >"$bed/bed"
}

# Ends everything and removes the directory.
remove_bed() {
  [ -e "$bed" ] || return 0
  [ "$(cat "$bed/bed" 2>/dev/null)" = "$1" ] || die "$bed is not a bed of this script"
  stop_keeper
  rm -rf "${bed:?}"
}
