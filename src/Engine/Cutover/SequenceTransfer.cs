using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;

namespace HerokuMigrator.Cutover;

/// <summary>Sets the target's sequences to where the source's stand; under the fence these stand still.</summary>
internal sealed class SequenceTransfer(MigrationSession session)
{
    private const int Batch = 200;

    public async Task<IReadOnlyList<SequencePosition>> RunAsync(CancellationToken cancellationToken)
    {
        var positions = new List<SequencePosition>();
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var sequences = await CatalogReader.ReadSequencesAsync(source, cancellationToken);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        foreach (var batch in sequences.Chunk(Batch))
        {
            var values = await source.ListAsync(
                string.Join(" UNION ALL ", batch.Select((sequence, at) => $"SELECT {at}, last_value, is_called FROM {sequence.QualifiedName}")),
                row => new SequencePosition(batch[row.GetInt32(0)].QualifiedName, row.GetInt64(1), row.GetBoolean(2)),
                cancellationToken);
            positions.AddRange(values);
            var calls = values.Select(value => $"setval({SqlName.Literal(value.Sequence)}::regclass, {value.LastValue}, {(value.IsCalled ? "true" : "false")})");
            await target.ExecuteAsync("SELECT " + string.Join(", ", calls), cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return positions;
    }
}
