#!/usr/bin/env bash
# Switches and undoes them, again and again, under 500 transactions a second in 16 sessions and long ones beside; median and worst of the write pause, as writers saw it and as told.
# Options: --rounds 50 --rate 500 --clients 16 --long 2 --scale 1; --forerunner: first the way of the forerunner (REVOKE, then watching the backlog), once.
# Builds nothing: run ./build.sh first. Starts and stops its own servers.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec dotnet "$root/out/lab/HerokuMigrator.Lab.dll" bench-switch --console "$root/out/cli/heroku-migrator" "$@"
