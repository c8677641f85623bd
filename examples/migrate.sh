#!/usr/bin/env bash
# Moves a database without anybody watching: check, start, wait, switch, and complete once the new database answers.
#   usage: migrate.sh COMMAND...    COMMAND points the application at the new database; where it fails, the switch is taken back
# HEROKU_URL and PLANETSCALE_URL name the two databases; NAME, WAIT_SEC and PAUSE_SEC may be set too,
# and KEEP_SOURCE=1: then it does not complete, and you do; until then there is a way back.
# Ends with 0 where the move is complete. Before the switch a failure leaves the migration as it is: run this again, and it goes on.
set -euo pipefail
(($# > 0)) || { echo "usage: $0 COMMAND..." >&2; exit 2; }

name=${NAME:-default}
wait_sec=${WAIT_SEC:-3600} # longest time to wait until a switch is possible
pause_sec=${PAUSE_SEC:-60} # longest time that writes may be held back

migrator() { heroku-migrator "$@" --name "$name"; }

phase() { migrator status --json | sed -n 's/^  "phase": "\([A-Za-z]*\)".*/\1/p'; }

now=$(phase)
echo "Phase: $now"
# An earlier run may have come further than the start, which would refuse then.
case $now in
    Switching | Switched | Completing | Completed) ;;
    *)
        migrator start
        migrator status --wait --timeout-sec "$wait_sec"
        now=Switching
        ;;
esac
if [[ $now == Switching ]]; then
    migrator switch --timeout-sec "$pause_sec" --force # takes itself back where it fails
    now=Switched
fi
if [[ $now == Switched ]] && ! "$@"; then
    echo "'$*' failed; the switch is taken back." >&2
    migrator undo --force >&2
    exit 1
fi
if [[ $now == Switched && -n ${KEEP_SOURCE:-} ]]; then
    echo "Switched; the source is kept. When the application is well: heroku-migrator complete --name $name; until then undo is the way back."
    exit 0
fi
migrator complete --force
