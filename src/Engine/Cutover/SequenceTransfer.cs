using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;

namespace HerokuMigrator.Cutover;

/// <summary>Sets the target's sequences to where the source's stand; under the fence these stand still.</summary>
internal sealed class SequenceTransfer(MigrationSession session)
{
    private const int Batch = 200;

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var sequences = await CatalogReader.ReadSequencesAsync(source, cancellationToken);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        foreach (var batch in sequences.Chunk(Batch))
        {
            var values = await source.ListAsync(
                string.Join(" UNION ALL ", batch.Select((sequence, at) => $"SELECT {at}, last_value, is_called FROM {sequence.QualifiedName}")),
                row => (At: row.GetInt32(0), Last: row.GetInt64(1), Called: row.GetBoolean(2)),
                cancellationToken);
            var calls = values.Select(value => $"setval({SqlName.Literal(batch[value.At].QualifiedName)}::regclass, {value.Last}, {(value.Called ? "true" : "false")})");
            await target.ExecuteAsync("SELECT " + string.Join(", ", calls), cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return sequences.Count;
    }
}
