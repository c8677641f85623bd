#!/usr/bin/env bash
# The same database copied by heroku-migrator, by hand-tuned binary COPY streams with pg_restore -j (the floor), by pg_dump -j and pg_restore -j,
# by pgcopydb, and by Bucardo's onetimecopy; one after the other, again and again; medians and ratios.
# Options: --scale 1 (1: 1.9 GB of tables, one row of 512 MB among them) --runs 3 --jobs 2 --ways ours,floor,dump,pgcopydb,onetimecopy
# Before the first round the first way is taken once without being counted, as a new cluster has its log files to make.
# --once dump,onetimecopy measures these in the first round only, as they are slow.
# --time-left also follows, once a second, the time left that ours tells in the second half of its rows, and holds it against what came.
# Needs pgcopydb for that way. Builds nothing: run ./build.sh first. Starts and stops its own servers.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec dotnet "$root/out/lab/HerokuMigrator.Lab.dll" bench-copy --console "$root/out/cli/heroku-migrator" "$@"
