#!/bin/sh
# A Slurm cluster of one node on loopback: `slurm.sh start FOLDER` and `slurm.sh stop FOLDER`.
# For tests on a machine of their own, as root. start exits 75 where it cannot be had, and says why.
set -eu
folder=$2
conf=$folder/slurm.conf

unavailable() {
    echo "no Slurm here: $1" >&2
    exit 75
}

start() {
    [ "$(id -u)" = 0 ] || unavailable "its daemons need root"
    if ! command -v slurmctld slurmd munged >/dev/null; then
        command -v apt-get >/dev/null || unavailable "it is not installed, and there is no apt-get"
        export DEBIAN_FRONTEND=noninteractive
        { apt-get update && apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge; } \
            >"$folder/apt.log" 2>&1 || unavailable "apt-get could not install it"
    fi
    host=$(hostname -s)
    mkdir -p "$folder/state" "$folder/spool" "$folder/munge"
    dd if=/dev/urandom bs=1 count=1024 2>/dev/null >"$folder/munge/key"
    chmod 700 "$folder/munge"
    chmod 400 "$folder/munge/key"
    # No cgroups and no systemd: processes are followed by their group.
    cat >"$conf" <<EOF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=17817
SlurmdPort=17818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,sched_min_interval=100000,batch_sched_delay=0
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
KillWait=5
JobRequeue=1
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
EOF
    export SLURM_CONF="$conf"
    munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
        --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" \
        --seed-file="$folder/munge/seed" || unavailable "munged does not start"
    slurmctld -f "$conf" || unavailable "slurmctld does not start"
    slurmd -f "$conf" -N "$host" || unavailable "slurmd does not start"
    for _ in $(seq 30); do
        if timeout 2 sinfo --noheader --format=%T 2>/dev/null | grep -q idle; then
            return
        fi
        sleep 0.5
    done
    tail -n 5 "$folder/slurmctld.log" "$folder/slurmd.log" >&2
    unavailable "its node does not become idle"
}

stop() {
    export SLURM_CONF="$conf"
    # Jobs first: what still runs of them would wait for ever for a controller to report to.
    if [ -f "$folder/slurmctld.pid" ]; then
        scancel --user="$(id -un)" || true
        for _ in $(seq 60); do
            [ -n "$(squeue --noheader 2>/dev/null || true)" ] || break
            sleep 0.5
        done
    fi
    for file in "$folder/slurmd.pid" "$folder/slurmctld.pid" "$folder/munge/pid"; do
        [ -f "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 60); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.5
        done
    done
}

case $1 in
start) start ;;
stop) stop ;;
*) echo "usage: $0 start|stop FOLDER" >&2; exit 2 ;;
esac
