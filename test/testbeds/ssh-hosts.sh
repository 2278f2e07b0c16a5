#!/usr/bin/env bash
# Several hosts on one machine, for tests of what runs over ssh: a head and nodes, each with a network, a name, processes and a home
# directory of its own, and an ssh server. All hang on one bridge in a further network namespace, so that nothing is added
# to the machine's own network and no packet leaves it. The rest of the file system is common to all. Needs root, and
# sshd, ssh, ip, unshare and nsenter.
#
#   ssh-hosts.sh start DIR N        a head and node1 … nodeN; they log in to one another without a question
#   ssh-hosts.sh on DIR HOST CMD…   runs a command there (as a process of the host)
#   ssh-hosts.sh pid DIR HOST       the process that holds the host, as this machine counts; it ends with all its processes when that is killed
#   ssh-hosts.sh cut DIR HOST       takes its cable out;  mend DIR HOST  puts it back
#   ssh-hosts.sh stop DIR           ends everything and removes DIR
set -euo pipefail

here=$(readlink -f "$0")
life_s=1800
command=${1:-}
dir=${2:-}
[ -n "$dir" ] || { sed -n '2,/^set/p' "$here" | sed '$d; s/^# \{0,1\}//'; exit 2; }

holder() { cat "$dir/$1.pid"; }
address() { if [ "$1" = head ]; then echo 10.77.0.10; else echo "10.77.0.$((10 + ${1#node}))"; fi; }
all() { echo head; for ((i = 1; i <= $(cat "$dir/n"); i++)); do echo "node$i"; done; }

# Runs in fresh namespaces as their first process: the host. Ends the processes nobody waits for any more.
be_host() {
  local name=$1
  mount --make-rprivate /
  mount -t proc proc /proc
  hostname "$name"
  mount --bind "$dir/hosts" /etc/hosts
  mount --bind "$dir/home-$name" /root
  ip link set lo up
  echo ready >"$dir/$name.ready"
  # The cable comes from outside.
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.01; done
  ip address add "$(address "$name")/24" dev eth0
  ip link set eth0 up
  exec </dev/null >"$dir/$name.log" 2>&1
  "$(command -v sshd)" -D -e -f "$dir/sshd_config" -h "$dir/key-$name" &
  # Forgotten by a test that was killed, the host does not stay for ever. With this process all others of it end.
  sleep "$life_s" &
  wait $!
}

make_home() {
  local name=$1 home=$dir/home-$1
  mkdir -p "$home/.ssh"
  chmod 700 "$home" "$home/.ssh"
  cp "$dir/user-key" "$home/.ssh/id_ed25519"
  cp "$dir/user-key.pub" "$home/.ssh/authorized_keys"
  cp "$dir/known_hosts" "$home/.ssh/known_hosts"
}

start() {
  local n=$1 name
  mkdir -p "$dir" /run/sshd
  chmod 755 "$dir"
  echo "$n" >"$dir/n"
  ssh-keygen -q -t ed25519 -N '' -f "$dir/user-key"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$dir/hosts"
  for name in $(all); do
    echo "$(address "$name") $name" >>"$dir/hosts"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/key-$name"
    echo "$name,$(address "$name") $(cut -d' ' -f1,2 "$dir/key-$name.pub")" >>"$dir/known_hosts"
  done
  cat >"$dir/sshd_config" <<-CONFIG
	ListenAddress 0.0.0.0
	StrictModes no
	PermitRootLogin prohibit-password
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	UsePAM no
	UseDNS no
	PidFile none
	MaxStartups 100
	CONFIG
  unshare --net --fork --kill-child sh -c 'ip link add hub type bridge && ip link set hub up && exec sleep '$life_s >/dev/null 2>&1 </dev/null &
  echo $! >"$dir/hub.starter"
  until pgrep -P "$(cat "$dir/hub.starter")" >"$dir/hub.pid"; do sleep 0.01; done
  for name in $(all); do
    make_home "$name"
    unshare --mount --uts --net --ipc --pid --fork --kill-child "$here" be-host "$dir" "$name" >"$dir/$name.log" 2>&1 </dev/null &
    echo $! >"$dir/$name.starter"
  done
  until nsenter -t "$(holder hub)" -n ip link show hub >/dev/null 2>&1; do sleep 0.01; done
  for name in $(all); do
    until pgrep -P "$(cat "$dir/$name.starter")" >"$dir/$name.pid"; do sleep 0.01; done
    until [ -e "$dir/$name.ready" ]; do sleep 0.01; done
    nsenter -t "$(holder hub)" -n ip link add "$name" type veth peer name eth0 netns "$(holder "$name")"
    nsenter -t "$(holder hub)" -n ip link set "$name" master hub up
  done
  # Every server answers before this returns.
  for name in $(all); do
    for ((try = 0; ; try++)); do
      [ "$("$here" on "$dir" head ssh -o BatchMode=yes "$name" hostname 2>/dev/null)" = "$name" ] && break
      [ "$try" -lt 100 ] || { echo "$name does not answer: $(tail -n 1 "$dir/$name.log")" >&2; exit 1; }
      sleep 0.05
    done
  done
}

stop() {
  local file
  for file in "$dir"/*.pid; do
    # Gone already when a test has ended the host.
    [ -e "$file" ] && kill -KILL "$(cat "$file")" 2>/dev/null || true
  done
  rm -rf "$dir"
}

case $command in
  start) start "$3" ;;
  stop) stop ;;
  be-host) be_host "$3" ;;
  pid) holder "$3" ;;
  on)
    target=$(holder "$3")
    shift 3
    exec nsenter -t "$target" -m -u -i -n -p --wd=/root env HOME=/root USER=root LOGNAME=root "$@"
    ;;
  cut) nsenter -t "$(holder hub)" -n ip link set "$3" down ;;
  mend) nsenter -t "$(holder hub)" -n ip link set "$3" up ;;
  *) exec "$here" ;;
esac
