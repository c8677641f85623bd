namespace HerokuMigrator.Lab;

/// <summary>One schema of the corpus.</summary>
/// <param name="Tables">How many tables its index says that it has.</param>
/// <param name="Extensions">Those that it asks for.</param>
public sealed record CorpusSchema(string Name, string File, int Tables, IReadOnlyList<string> Extensions)
{
    public override string ToString() => Name;
}

/// <summary>
/// Schemas that real applications run, and the tools that load and fill them. They are no part of this repository: they lie beside the checkout,
/// in <c>../shared</c>, or nowhere.
/// </summary>
public sealed class CorpusFolder
{
    private const string Python = "/usr/bin/python3";

    private CorpusFolder(string folder)
    {
        LoadTool = Path.Combine(folder, "tools", "load.sh");
        FillTool = Path.Combine(folder, "tools", "fill.py");
        var index = File.ReadLines(Path.Combine(folder, "corpus", "index.tsv")).Skip(1).Select(line => line.Split('\t')).ToDictionary(fields => fields[0], StringComparer.Ordinal);
        // The folder counts, not its index: none is left out because nobody wrote it down.
        Schemas =
        [
            .. from file in Directory.GetFiles(Path.Combine(folder, "corpus"), "*.sql")
               let fields = index.GetValueOrDefault(Path.GetFileName(file))
               let schema = new CorpusSchema(Path.GetFileNameWithoutExtension(file), file, int.Parse(fields?[4] ?? "0"), fields?[5].Split(',') ?? [])
               orderby schema.Tables, schema.Name
               select schema,
        ];
    }

    public IReadOnlyList<CorpusSchema> Schemas { get; }

    internal string LoadTool { get; }

    internal string FillTool { get; }

    /// <summary>Null, with the reason, where the corpus or something that its tools need is missing.</summary>
    public static CorpusFolder? Find(out string missing)
    {
        missing = "";
        var shared = Ancestors(AppContext.BaseDirectory)
            .Where(folder => File.Exists(Path.Combine(folder, "HerokuMigrator.sln")))
            .Select(checkout => Path.GetFullPath(Path.Combine(checkout, "..", "shared")))
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "corpus", "index.tsv")));
        if (shared is null)
        {
            missing = "there is no ../shared/corpus beside the checkout";
        }
        else if (!File.Exists(Python) || !HasPsycopg())
        {
            missing = "its tools need Debian's python3-psycopg2";
        }

        return missing.Length == 0 ? new CorpusFolder(shared!) : null;
    }

    public CorpusSchema Get(string name) =>
        Schemas.FirstOrDefault(schema => schema.Name == name)
        ?? throw new LabException($"The corpus has no schema '{name}'; it has: {string.Join(", ", Schemas)}.");

    /// <summary>The extensions of a schema that this machine's PostgreSQL cannot make; without them it is another schema.</summary>
    public static IReadOnlyList<string> Lacking(CorpusSchema schema) => [.. schema.Extensions.Where(name => name != "-" && !HasExtension(name))];

    private static IEnumerable<string> Ancestors(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            yield return at.FullName;
        }
    }

    private static bool HasPsycopg() => Directory.Exists("/usr/lib/python3/dist-packages/psycopg2");

    private static bool HasExtension(string name) =>
        File.Exists(Path.Combine("/usr/share/postgresql", Path.GetFileName(Path.GetDirectoryName(LabMachine.BinFolder)!), "extension", name + ".control"));
}
