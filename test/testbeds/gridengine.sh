#!/usr/bin/env bash
# A Grid Engine cell of its own on this machine: sge_qmaster and one sge_execd, on a host of the name gehost with eight slots
# (or what SLOTS says). Debian packages: gridengine-master gridengine-exec gridengine-client.
#
#   gridengine.sh start DIR    then put DIR/bin first in PATH: qsub, qstat, qdel, qacct, qconf, qhost
#   gridengine.sh stop DIR     ends daemons and jobs, removes DIR
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
slots=${SLOTS:-8}
programs=/usr/lib/gridengine

# The daemons' and commands' environment, as words for env.
settings() {
  echo "SGE_ROOT=$bed/root SGE_CELL=default SGE_ARCH=lx-amd64 SGE_CLUSTER_NAME=bed SGE_QMASTER_PORT=$port SGE_EXECD_PORT=$((port + 1))"
}

write_cell() {
  local common=$bed/root/default/common kind
  mkdir -p "$common" "$bed"/root/{bin,lib,utilbin} "$bed"/spool/{qmaster/job_scripts,execd,tmp}
  ln -s /usr/share/gridengine/util "$bed/root/util"
  for kind in bin lib utilbin; do ln -s "$programs" "$bed/root/$kind/lx-amd64"; done
  cat >"$common/bootstrap" <<CONF
admin_user              sgeadmin
default_domain          none
ignore_fqdn             false
spooling_method         classic
spooling_lib            libspoolc
spooling_params         $common;$bed/spool/qmaster
binary_path             $bed/root/bin
qmaster_spool_dir       $bed/spool/qmaster
security_mode           none
listener_threads        2
worker_threads          2
scheduler_threads       1
jvm_threads             0
CONF
  echo gehost >"$common/act_qmaster"
  echo bed >"$common/cluster_name"
  # Root's jobs are let in.
  sed -e "s|^execd_spool_dir.*|execd_spool_dir $bed/spool/execd|" -e 's|^min_uid.*|min_uid 0|' -e 's|^min_gid.*|min_gid 0|' \
    -e 's|^mailer.*|mailer /bin/true|' -e 's|^xterm.*|xterm /bin/true|' \
    -e 's|^reporting_params.*|reporting_params accounting=true reporting=false flush_time=00:00:01 joblog=false sharelog=00:00:00|' \
    /usr/share/gridengine/default-configuration >"$bed/global"
  chown -R sgeadmin: "$bed/spool" "$bed/root"
  chmod 1777 "$bed/spool/tmp"
}

write_host() {
  printf '%s\n' 'hostname gehost' 'load_scaling NONE' 'complex_values NONE' 'user_lists NONE' 'xuser_lists NONE' 'projects NONE' \
    'xprojects NONE' 'usage_scaling NONE' 'report_variables NONE' >"$bed/host"
  local limit
  {
    cat <<CONF
qname                 all.q
hostlist              gehost
seq_no                0
load_thresholds       NONE
suspend_thresholds    NONE
nsuspend              1
suspend_interval      00:05:00
priority              0
min_cpu_interval      00:05:00
processors            UNDEFINED
qtype                 BATCH INTERACTIVE
ckpt_list             NONE
pe_list               NONE
rerun                 FALSE
slots                 $slots
tmpdir                $bed/spool/tmp
shell                 /bin/sh
prolog                NONE
epilog                NONE
shell_start_mode      unix_behavior
starter_method        NONE
suspend_method        NONE
resume_method         NONE
terminate_method      NONE
notify                00:00:03
owner_list            NONE
user_lists            NONE
xuser_lists           NONE
subordinate_list      NONE
complex_values        NONE
projects              NONE
xprojects             NONE
calendar              NONE
initial_state         default
CONF
    for limit in rt cpu fsize data stack core rss vmem; do printf 's_%s INFINITY\nh_%s INFINITY\n' "$limit" "$limit"; done
  } >"$bed/queue"
}

# The commands run in the cell's name space, where its host's name is known, and in the caller's directory.
write_commands() {
  local program
  for program in qsub qstat qdel qacct qconf qhost; do
    cat >"$bed/bin/$program" <<CONF
#!/bin/sh
read -r pid started <'$bed/keeper' || exit 1
exec nsenter -t "\$pid" -m -u --wd="\$PWD" -- env $(settings) $programs/$program "\$@"
CONF
  done
  chmod 755 "$bed"/bin/*
}

prepare_spool() {
  # shellcheck disable=SC2046
  inside env $(settings) sh -ec "
    $programs/spoolinit classic libspoolc '$bed/root/default/common;$bed/spool/qmaster' init
    $programs/spooldefaults configuration '$bed/global'
    $programs/spooldefaults complexes /usr/share/gridengine/util/resources/centry
    $programs/spooldefaults usersets /usr/share/gridengine/util/resources/usersets
    $programs/spooldefaults managers root sgeadmin
    $programs/spooldefaults operators root sgeadmin
    chown -R sgeadmin: '$bed/spool' '$bed/root'" >>"$bed/log/setup.log" 2>&1
}

configure() {
  "$bed/bin/qconf" -ssconf | sed -e 's/^schedule_interval.*/schedule_interval 0:0:1/' -e 's/^flush_submit_sec.*/flush_submit_sec 1/' \
    -e 's/^flush_finish_sec.*/flush_finish_sec 1/' -e 's/^job_load_adjustments.*/job_load_adjustments NONE/' \
    -e 's/^schedd_job_info.*/schedd_job_info true/' -e 's/^load_adjustment_decay_time.*/load_adjustment_decay_time 0:0:0/' >"$bed/scheduler"
  "$bed/bin/qconf" -Msconf "$bed/scheduler"
  "$bed/bin/qconf" -as gehost
  "$bed/bin/qconf" -ah gehost
  "$bed/bin/qconf" -Ae "$bed/host"
  "$bed/bin/qconf" -Aq "$bed/queue"
}

is_up() { "$bed/bin/qstat" -f 2>/dev/null | grep -qE '^all\.q@gehost +\S+ +\S+ +[0-9.]+ +\S+ *$'; }

start() {
  local program port _
  for program in sge_qmaster sge_execd qconf; do [ -x "$programs/$program" ] || die "no $programs/$program"; done
  claim_bed gridengine
  port=$(free_ports 2)
  write_cell
  write_host
  write_commands
  # The cell's host has a name of its own; jobs may look for this machine by its name too.
  printf '127.0.0.1 gehost localhost\n::1 localhost\n%s %s\n' "$(hostname -I | cut -d' ' -f1 | grep . || echo 127.0.0.1)" "$(hostname)" >"$bed/hosts"
  start_keeper "hostname gehost && mount --bind '$bed/hosts' /etc/hosts"
  clean=(inside env -i "PATH=$PATH" LANG=C.UTF-8 HOME=/root)
  prepare_spool
  # shellcheck disable=SC2046
  "${clean[@]}" $(settings) "$programs/sge_qmaster"
  for _ in $(seq 100); do
    if "$bed/bin/qconf" -sh >/dev/null 2>&1; then break; fi
    sleep 0.1
  done
  configure >>"$bed/log/setup.log" 2>&1
  # shellcheck disable=SC2046
  "${clean[@]}" $(settings) "$programs/sge_execd"
  for _ in $(seq 200); do
    if is_up; then return; fi
    sleep 0.1
  done
  die "the queue did not come up; see $bed/log and $bed/spool"
}

read_bed "$@"
case $verb in
start)
  trap 'status=$?; if [ $status != 0 ]; then stop_keeper; fi; exit $status' EXIT
  start
  ;;
stop) remove_bed gridengine ;;
*) die "give: start|stop and a directory" ;;
esac
