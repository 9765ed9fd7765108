#!/bin/sh
# SPDX-License-Identifier: MIT
#
# afresh.sh -- what a test's caller has does not arrive
#
#   afresh.sh AFRESH

set -eu
says() { # says WHAT EXPECTED FOUND
  [ "$3" = "$2" ] || { printf '%s: "%s", not "%s"\n' "$1" "$3" "$2"; exit 1; }
}
status='s/^\(SigBlk\|SigIgn\):[^0-9]*//p'

trap '' HUP INT QUIT PIPE USR1
exec 5</dev/null 9>/dev/null
umask 077
ulimit -Sn 100
says descriptors "0 1 2 3" "$("$1" ls -m /proc/self/fd | tr -d ,)" # 3 is what ls reads
says input /dev/null "$(: | "$1" readlink /proc/self/fd/0)"
says closed /dev/null "$("$1" sh -c 'readlink "/proc/$$/fd/1" | cat 1>&2' 2>&1 >&-)"
says signals "0000000000000000 0000000000000000" "$(echo $("$1" sed -n "$status" /proc/self/status))"
says umask 0022 "$("$1" sh -c umask)"
says limit 1024 "$("$1" sh -c 'ulimit -n')"
says slack 50000 "$("$1" cat /proc/self/timerslack_ns)"
says status 7 "$("$1" sh -c 'exit 7' || echo $?)"
