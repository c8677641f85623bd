namespace HerokuMigrator.Lab;

/// <summary>An initdb'd data folder that is made once a machine and copied for each server: initdb takes a second, a copy 50 ms.</summary>
internal static class ClusterTemplate
{
    // Another process may make the template at the same time: each makes its own, and the first rename wins.
    // Each copy gets a system identifier of its own, or two servers of the lab would look like one;
    // pg_resetwal makes checksum and WAL agree with it.
    private const string Script = """
        set -eu
        bin=$1 cache=$2 data=$3
        mkdir -p -m 700 "$cache"
        test -O "$cache" || { echo "$cache belongs to somebody else" >&2; exit 1; }
        # Packages of the server alone lack it.
        if [ ! -x "$bin/pg_resetwal" ]; then
            exec "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >/dev/null
        fi
        template=$cache/$("$bin/postgres" --version | tr -c 'A-Za-z0-9.\n' _)
        if [ ! -d "$template" ]; then
            "$bin/initdb" -D "$template.$$" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >/dev/null
            mv -T "$template.$$" "$template" 2>/dev/null || rm -rf "$template.$$"
        fi
        cp -a "$template" "$data"
        head -c 6 /dev/urandom | dd of="$data/global/pg_control" bs=6 count=1 conv=notrunc status=none
        "$bin/pg_resetwal" -f "$data" >/dev/null 2>&1
        """;

    public static Task CopyToAsync(string binFolder, string dataFolder, CancellationToken cancellationToken)
    {
        var cache = Path.Combine(Path.GetTempPath(), $"heroku-migrator-lab-{LabMachine.ServerUser.Name}");
        return LabCommand.RunAsServerUserAsync("sh", ["-c", Script, "sh", binFolder, cache, dataFolder], input: null, cancellationToken);
    }
}
