#!/usr/bin/env bash
# What Import-Module HerokuMigrator adds to the start of an empty pwsh, and what the first cmdlet adds to that; means of hyperfine, in milliseconds.
# Options: --runs 20. Builds nothing: run ./build.sh first. Needs pwsh and hyperfine on the path.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
runs=20
while [[ $# -gt 0 ]]; do
    case $1 in
        --runs) runs=${2:?--runs needs a value}; shift 2 ;;
        *) echo "unknown option $1" >&2; exit 2 ;;
    esac
done

module=$root/out/module/HerokuMigrator/HerokuMigrator.psd1
[[ -f $module ]] || { echo "$module is missing: run ./build.sh first" >&2; exit 1; }
export POWERSHELL_TELEMETRY_OPTOUT=1 POWERSHELL_UPDATECHECK=Off
# The first cmdlet loads the engine and its packages; this one ends before it asks a server.
nowhere="-SourceUrl nonsense -TargetUrl nonsense"
results=$(mktemp)
trap 'rm -f "$results"' EXIT
hyperfine --shell none --warmup 3 --runs "$runs" --export-json "$results" --style basic \
    --command-name 'pwsh alone' "pwsh -NoLogo -NoProfile -NonInteractive -Command \"1\"" \
    --command-name 'with the import' "pwsh -NoLogo -NoProfile -NonInteractive -Command \"Import-Module '$module'; 1\"" \
    --command-name 'with the first cmdlet' "pwsh -NoLogo -NoProfile -NonInteractive -Command \"Import-Module '$module'; try { Get-SyncStatus $nowhere } catch { 1 }\""
pwsh -NoLogo -NoProfile -NonInteractive -Command "
    \$one, \$two, \$three = (Get-Content -Raw '$results' | ConvertFrom-Json).results
    '{0,-24} {1,6:0} ms' -f 'import adds', (1000 * (\$two.mean - \$one.mean))
    '{0,-24} {1,6:0} ms' -f 'first cmdlet adds', (1000 * (\$three.mean - \$two.mean))"
