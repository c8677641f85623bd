using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.Processes;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>Gathers what a switch did and proved, once nobody waits for it any more.</summary>
internal sealed class CertificateBuilder(MigrationSession session)
{
    public async Task<SwitchCertificate> BuildAsync(TrafficSwitch done, FenceRecord record, IReadOnlyList<SequencePosition> sequences, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return new SwitchCertificate
        {
            IssuedAt = DateTimeOffset.UtcNow,
            Versions = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["module"] = typeof(SwitchCertificate).Assembly.GetName().Version?.ToString(3) ?? "",
                ["source"] = await VersionAsync(source, cancellationToken),
                ["target"] = await VersionAsync(target, cancellationToken),
                ["bucardo"] = (await Programs.FindAsync(Programs.Bucardo, session.Runner, cancellationToken)).Version.ToString(),
            },
            Switch = done,
            FenceStatements = [.. FenceSql.Lock(record), .. FenceSql.Revoke(record)],
            Privileges = await PrivilegesAsync(source, record, cancellationToken),
            Proofs = await ProofsAsync(source, target, done, record, cancellationToken),
            Sequences = sequences,
            Tables = await new ComparisonStore(session.Target).ReadProofsAsync(cancellationToken),
        };
    }

    private static async Task<string> VersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        "PostgreSQL " + await connection.ScalarAsync<string>("SHOW server_version", cancellationToken);

    private static async Task<IReadOnlyList<FencedPrivileges>> PrivilegesAsync(NpgsqlConnection source, FenceRecord record, CancellationToken cancellationToken)
    {
        var fenced = await PrivilegeReader.ReadAclsAsync(source, record.Relations, cancellationToken);
        return
        [
            .. record.Relations.Select(relation => new FencedPrivileges(
                SqlName.Qualify(relation.Schema, relation.Name), relation.Owner, relation.Acl, fenced.GetValueOrDefault(relation.Oid, []))),
        ];
    }

    /// <summary>Asked once more: it stays so for as long as the fence stands.</summary>
    private async Task<IReadOnlyList<SwitchProof>> ProofsAsync(NpgsqlConnection source, NpgsqlConnection target, TrafficSwitch done, FenceRecord record, CancellationToken cancellationToken)
    {
        var writers = await Fence.FindWritersAsync(source, record, cancellationToken);
        var pending = await new Capture.DeltaBacklog(await session.Store.ReadReplayedAsync(cancellationToken)).MeasureAsync(source, cancellationToken);
        const string Sentinel = "SELECT mark FROM heroku_migrator.sentinel WHERE id = 1";
        return
        [
            new SwitchProof("Which login roles, superusers apart, can write a table or a sequence of the source?", PrivilegeReader.WritersSql, writers.Count == 0 ? "none" : string.Join(", ", writers)),
            new SwitchProof("How many captured changes are not on the target?", "", $"{pending.Rows}"),
            new SwitchProof(
                "Did the sentinel, written under the fence, arrive?", Sentinel,
                $"{await source.ScalarAsync<string>(Sentinel, cancellationToken)} on the source, {await target.ScalarAsync<string>(Sentinel, cancellationToken)} on the target, after {done.SentinelMs:0} ms"),
        ];
    }
}
