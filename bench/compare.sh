#!/usr/bin/env bash
# How long a comparison of both sides takes beside the bare hash queries on both servers at the same time; medians and their ratio.
# Options: --scale 1 (1: about 1 GB) --runs 3; or --soak MINUTES --rate 300: compares again and again under writers, and counts false alarms
# Builds nothing: run ./build.sh first. Starts and stops its own servers.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec dotnet "$root/out/lab/HerokuMigrator.Lab.dll" bench-compare --console "$root/out/cli/heroku-migrator" "$@"
