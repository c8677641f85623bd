using System.Text;
using System.Text.Json;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Looks for the passwords of roles in whatever a run says or leaves, in every way that they are commonly written. A failure never shows one.</summary>
internal sealed class Canary
{
    /// <summary>The end of every password of the lab is random, and no encoding changes it.</summary>
    private const int RandomEnd = 16;

    private const int TellingStart = 7;

    private readonly List<(string Form, byte[] Bytes)> _whole = [];
    private readonly List<(string Form, byte[] Bytes)> _pieces = [];

    public Canary(params IEnumerable<LabRole> roles)
    {
        foreach (var role in roles)
        {
            var password = role.Password;
            Add(_whole, $"raw password of {role}", password);
            Add(_whole, $"percent-encoded password of {role}", Uri.EscapeDataString(password));
            Add(_whole, $"password of {role} as in pgpass", password.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal));
            Add(_whole, $"password of {role} as in JSON", JsonSerializer.Serialize(password)[1..^1]);
            Add(_whole, $"end of the password of {role}", password[^Math.Min(RandomEnd, password.Length)..]);
            if (password.Length > RandomEnd + TellingStart)
            {
                Add(_pieces, $"start of the password of {role}", password[..TellingStart]);
                Add(_pieces, $"percent-encoded start of the password of {role}", Uri.EscapeDataString(password[..TellingStart]));
                Add(_pieces, $"middle of the password of {role}", password[TellingStart..^RandomEnd]);
            }
        }
    }

    public static Canary Of(LabMove move, params IEnumerable<LabRole> more) => new([.. move.Source.Roles, .. move.Target.Roles, .. more]);

    /// <summary>What was found there; null where nothing was.</summary>
    public string? FindIn(ReadOnlySpan<byte> content) => Find(_whole, content) ?? Find(_pieces, content);

    public string? FindIn(string text) => FindIn(Encoding.UTF8.GetBytes(text));

    /// <summary>Only what no other test's password has too: for places that all processes of the machine share.</summary>
    public string? FindWholeIn(ReadOnlySpan<byte> content) => Find(_whole, content);

    public void MustBeAbsentFrom(string where, string text)
    {
        if (FindIn(text) is { } found)
        {
            Assert.Fail($"The {found} stands in {where}.");
        }
    }

    /// <summary>Files below a folder that hold a password, by their path below it.</summary>
    public IReadOnlyList<string> FilesHolding(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(file => TryRead(file) is { } content && FindIn(content) is not null)
            .Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal),
    ];

    private static byte[]? TryRead(string file)
    {
        try
        {
            // Sockets and what went away meanwhile hold nothing.
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            return copy.ToArray();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? Find(List<(string Form, byte[] Bytes)> forms, ReadOnlySpan<byte> content)
    {
        foreach (var (form, bytes) in forms)
        {
            if (content.IndexOf(bytes) >= 0)
            {
                return form;
            }
        }

        return null;
    }

    private static void Add(List<(string Form, byte[] Bytes)> forms, string form, string text) => forms.Add((form, Encoding.UTF8.GetBytes(text)));
}
