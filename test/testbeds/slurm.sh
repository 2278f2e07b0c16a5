#!/usr/bin/env bash
# A Slurm of its own on this machine: munged, slurmctld, and a slurmd for each of two nodes with four processors (or what
# NODES and CPUS say). No systemd, no cgroups. Debian packages: slurm-wlm slurm-client munge.
#
#   slurm.sh start DIR    then put DIR/bin first in PATH: sbatch, squeue, scancel, srun, sinfo, scontrol
#   slurm.sh stop DIR     ends daemons and jobs, removes DIR
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
nodes=${NODES:-2}
cpus=${CPUS:-4}

configuration() {
  local port=$1 i
  cat <<CONF
ClusterName=bed
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$bed/munge/socket
CredType=cred/munge
StateSaveLocation=$bed/state
SlurmdSpoolDir=$bed/spool/%n
SlurmctldPidFile=$bed/slurmctld.pid
SlurmdPidFile=$bed/slurmd.%n.pid
SlurmctldLogFile=$bed/log/slurmctld.log
SlurmdLogFile=$bed/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
# A node may claim more processors than the machine has.
SlurmdParameters=config_overrides
SlurmdTimeout=10
MessageTimeout=5
ReturnToService=2
KillWait=2
MinJobAge=600
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=closed Nodes=ALL State=DOWN
CONF
  for i in $(seq "$nodes"); do
    echo "NodeName=node$i NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 1 + i)) CPUs=$cpus RealMemory=1000 State=UNKNOWN"
  done
}

all_idle() { [ "$("$bed/bin/sinfo" -h -N -p main -o %T 2>/dev/null | grep -cx idle)" = "$nodes" ]; }

start() {
  local program i _
  for program in munged slurmctld slurmd sbatch srun nsenter unshare; do command -v "$program" >/dev/null || die "no $program"; done
  claim_bed slurm
  mkdir -p "$bed"/{munge,state,spool}
  head -c 128 /dev/urandom >"$bed/munge/key"
  chmod 400 "$bed/munge/key"
  configuration "$(free_ports $((nodes + 2)))" >"$bed/slurm.conf"
  for program in sbatch squeue scancel srun sinfo scontrol; do
    printf '#!/bin/sh\nSLURM_CONF=%s/slurm.conf exec /usr/bin/%s "$@"\n' "$bed" "$program" >"$bed/bin/$program"
  done
  chmod 755 "$bed"/bin/*
  start_keeper
  clean=(inside env -i "PATH=$PATH" LANG=C.UTF-8 "SLURM_CONF=$bed/slurm.conf")
  "${clean[@]}" munged --force --key-file="$bed/munge/key" --socket="$bed/munge/socket" --pid-file="$bed/munged.pid" \
    --log-file="$bed/log/munged.log" --seed-file="$bed/munge/seed"
  "${clean[@]}" slurmctld -c
  for i in $(seq "$nodes"); do
    mkdir -p "$bed/spool/node$i"
    "${clean[@]}" slurmd -N "node$i"
  done
  for _ in $(seq 300); do
    if all_idle; then return; fi
    sleep 0.1
  done
  die "the nodes did not become idle; see $bed/log"
}

read_bed "$@"
case $verb in
start)
  trap 'status=$?; if [ $status != 0 ]; then stop_keeper; fi; exit $status' EXIT
  start
  ;;
stop) remove_bed slurm ;;
*) die "give: start|stop and a directory" ;;
esac
