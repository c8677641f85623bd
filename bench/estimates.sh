#!/usr/bin/env bash
# Migrates databases of several sizes, and prints the estimate of the readiness report beside what came; medians of three runs.
# Options: --shapes shop1,shop10,shop40,many200,many1000,keyless --runs 3; also large200 and the like, in thousands of rows a table
# Builds nothing: run ./build.sh first. Starts and stops its own servers.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec dotnet "$root/out/lab/HerokuMigrator.Lab.dll" bench-estimates --console "$root/out/cli/heroku-migrator" "$@"
