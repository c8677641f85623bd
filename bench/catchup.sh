#!/usr/bin/env bash
# How long backlogs of captured changes take to drain, and how much memory, by Bucardo as it comes and by ours; then five million rows by ours.
# Options: --changes 50000,100000,200000,400000 (0: none) --ways stock,ours --limit 900 (seconds a point) --bulk 5000000 (0: none)
# Builds nothing: run ./build.sh first. Starts and stops its own servers.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec dotnet "$root/out/lab/HerokuMigrator.Lab.dll" bench-catchup --console "$root/out/cli/heroku-migrator" "$@"
