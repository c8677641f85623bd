#!/usr/bin/env bash
# What Import-Module HerokuMigrator adds to the start of an empty pwsh, what the first cmdlet adds to that, and for comparison what a module of a manifest alone adds.
# All are started in turn, again and again, as a machine is not equally fast all the time, and in another order each time, as who comes after whom matters;
# medians of the differences within a turn, in milliseconds.
# Options: --runs 20. Builds nothing: run ./build.sh first. Needs pwsh on the path.
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
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '%s\n' "@{ ModuleVersion = '1.0'; GUID = '3f0c2f5e-6d0b-4f0e-9a51-0b8f3f6f7a10'; CmdletsToExport = @(); FunctionsToExport = @(); AliasesToExport = @(); VariablesToExport = @() }" >"$folder/Manifest.psd1"

# The first cmdlet loads the engine and its packages; this one ends before it asks a server.
commands=(
    1
    "Import-Module '$folder/Manifest.psd1'; 1"
    "Import-Module '$module'; 1"
    "Import-Module '$module'; try { Get-SyncStatus -SourceUrl nonsense -TargetUrl nonsense } catch { 1 }"
)

# Microseconds that pwsh takes for one of them.
took() {
    local begun=${EPOCHREALTIME/[.,]/}
    pwsh -NoLogo -NoProfile -NonInteractive -Command "$1" >/dev/null
    printf '%s' $((${EPOCHREALTIME/[.,]/} - begun))
}

median() {
    sort -n "$1" | awk '{ value[NR] = $1 } END { printf "%.0f", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2000 }'
}

for ((run = -2; run < runs; run++)); do
    for at in $(shuf -i 0-3); do times[at]=$(took "${commands[at]}"); done
    # The first ones fill the caches.
    [[ $run -ge 0 ]] || continue
    echo "${times[0]}" >>"$folder/alone"
    echo $((times[1] - times[0])) >>"$folder/manifest"
    echo $((times[2] - times[0])) >>"$folder/import"
    echo $((times[3] - times[2])) >>"$folder/cmdlet"
done
printf '%-36s %6s ms\n' 'pwsh alone' "$(median "$folder/alone")" 'a module of a manifest alone adds' "$(median "$folder/manifest")" \
    'the import adds' "$(median "$folder/import")" 'the first cmdlet adds' "$(median "$folder/cmdlet")"
printf 'load %s\n' "$(cut -d' ' -f1 /proc/loadavg)"
