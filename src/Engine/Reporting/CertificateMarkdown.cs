using System.Globalization;
using System.Text;

namespace HerokuMigrator.Reporting;

/// <summary>A switch's certificate as a document to read.</summary>
internal static class CertificateMarkdown
{
    public static string Of(SwitchCertificate certificate)
    {
        var (done, text) = (certificate.Switch, new StringBuilder());
        text.Append(CultureInfo.InvariantCulture, $"# Switch of {done.Name}\n\nFrom {done.Source} to {done.Target}, certified {Time(certificate.IssuedAt)}.\n\n");
        text.Append(CultureInfo.InvariantCulture, $"- Writes were held back from {Time(done.FencedAt)} to {Time(done.SafeAt)}: {done.WritePauseMs:0} ms");
        text.Append(done.FailedAttemptsMs > 0 ? string.Create(CultureInfo.InvariantCulture, $", and up to {done.FailedAttemptsMs:0} ms before by {done.LockAttempts - 1} attempts that failed.\n") : ".\n");
        text.Append(CultureInfo.InvariantCulture, $"- {done.TablesFenced} tables were fenced against {string.Join(", ", done.Roles)}; {done.SequencesSet} sequences were set; {done.LargeObjectsCopied} large objects were copied.\n");
        text.Append(CultureInfo.InvariantCulture, $"- Compared under the fence, and equal: {done.Compared.Sum(sample => sample.Rows)} rows of {done.Compared.Count} tables.\n");
        text.Append(string.Concat(certificate.Versions.Select(version => $"- {version.Key}: {version.Value}\n")));
        text.Append($"- SHA-256 of the JSON document: {certificate.Sha256}\n");
        Section("What took how long", ["Step", "From, ms", "ms"], done.Steps.Select(step => new[] { step.Name, Number(step.StartMs), Number(step.DurationMs) }), text);
        Section("Proofs", ["Question", "Answer"], certificate.Proofs.Select(proof => new[] { proof.Question, proof.Answer }), text);
        Section("Who was in the way", ["Who", "Ended"], done.Blockers.Select(blocker => new[] { blocker.ToString(), blocker.Ended ? "yes" : "no" }), text);
        Section("Compared under the fence", ["Table", "Chunks", "Rows", "Sum of hashes"], done.Compared.Select(sample => new[] { sample.Table, $"{sample.ChunksCompared} of {sample.Chunks}", $"{sample.Rows}", sample.Hash }), text);
        Section("Compared before", ["Table", "Outcome", "Compared", "Proven equal"], certificate.Tables.Select(proof => new[] { proof.Table, $"{proof.Outcome}", Time(proof.ComparedAt), Time(proof.ProvenAt) }), text);
        Section("Copied whole, or left out", ["Table", "How"], done.TablesCopiedWhole.Select(table => new[] { table, "copied whole" }).Concat(done.TablesLeftOut.Select(table => new[] { table, "left out" })), text);
        Section("Sequences", ["Sequence", "Last value", "Given out"], certificate.Sequences.Select(one => new[] { one.Sequence, $"{one.LastValue}", one.IsCalled ? "yes" : "no" }), text);
        Section("Privileges", ["Relation", "Owner", "Before", "Under the fence"], certificate.Privileges.Select(one => new[] { one.Relation, one.Owner, string.Join(' ', one.Before), string.Join(' ', one.Fenced) }), text);
        text.Append("\n## The fence\n\n```sql\nBEGIN;\n").AppendJoin('\n', certificate.FenceStatements.Select(statement => statement + ";")).Append("\nCOMMIT;\n```\n");
        return text.ToString();
    }

    private static void Section(string title, string[] columns, IEnumerable<string[]> rows, StringBuilder text)
    {
        var all = rows.ToList();
        if (all.Count > 0)
        {
            ReportMarkdown.Table("## " + title, columns, all, text);
        }
    }

    private static string Time(DateTimeOffset? time) => time is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture) + " UTC" : "never";

    private static string Number(double number) => number.ToString("0", CultureInfo.InvariantCulture);
}
