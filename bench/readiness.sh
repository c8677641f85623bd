#!/usr/bin/env bash
# How long Test-MigrationReadiness takes on a source of 100 and of 10,000 tables, each with three indexes; median of three runs.
# Options: --tables 100,10000 --runs 3
# Builds nothing: run ./build.sh first. Starts and stops its own servers.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec dotnet "$root/out/lab/HerokuMigrator.Lab.dll" bench-readiness --console "$root/out/cli/heroku-migrator" "$@"
