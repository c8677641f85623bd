#!/usr/bin/env bash
# Chooses a target of build/build.proj; all that is done stands there.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: ./build.sh [task] [options]
  build            compile; lay out out/module/HerokuMigrator and out/cli (default)
  test             run every test; the last line counts them
  test-corpus      move every schema of ../shared/corpus (25 minutes); writes docs/corpus.md
  package          the module as a gallery wants it: out/package/HerokuMigrator and its .nupkg
  demo             migrate a live database through every step, against servers of its own
  prerequisites    install what is missing (Debian, apt)
  clean            remove what the build wrote
options:
  --configuration Release|Debug   default: Release
  --long                          test: also run the specs that take minutes each
  --with-powershell               prerequisites: also get PowerShell and Pester into .tools, where none is here
TEXT
}

task=build
properties=()
[[ $# -gt 0 && $1 != -* ]] && { task=$1; shift; }
while [[ $# -gt 0 ]]; do
    case $1 in
        --configuration) properties+=("-p:Configuration=${2:?--configuration needs a value}"); shift 2 ;;
        --long) properties+=(-p:LongSpecs=true); shift ;;
        --with-powershell) properties+=(-p:WithPowerShell=true); shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
case $task in
    build | test | test-corpus | package | demo | prerequisites | clean) ;;
    *) usage >&2; exit 2 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
status=0
# No compiler or build server is left running afterwards.
dotnet msbuild "$root/build/build.proj" "-t:${task//-/}" -nologo -v:minimal -tl:off -clp:NoSummary -nodeReuse:false -p:UseSharedCompilation=false "${properties[@]}" || status=$?
summary=$root/out/test-results/summary.txt
[[ $task != test* || ! -f $summary ]] || cat "$summary"
exit "$status"
