#!/usr/bin/env bash
# What a migration of 10, 100, 1,000 and 5,000 small tables takes, by part and a table; and how long capture stalls writers of 400 tables, ours and stock Bucardo's.
# Options: --tables 10,100,1000,5000 (0: none) --stall 400 (0: not measured)
# Builds nothing: run ./build.sh first. Starts and stops its own servers.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec dotnet "$root/out/lab/HerokuMigrator.Lab.dll" bench-scale --console "$root/out/cli/heroku-migrator" "$@"
