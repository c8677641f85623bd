using System.Runtime.InteropServices;
using Xunit;

namespace HerokuMigrator.Unit.Connections;

/// <summary>The libpq of this machine, to be compared with.</summary>
internal static class Libpq
{
    private const string Library = "libpq.so.5";

    private static readonly Lazy<bool> Available = new(() => NativeLibrary.TryLoad(Library, out _));

    private static readonly Lazy<IReadOnlySet<string>> KeywordsOfThisVersion = new(() => Parse("host=x", includeUnset: true)!.Keys.ToHashSet());

    public static void SkipWhereMissing() => Assert.SkipUnless(Available.Value, $"{Library} is not on this machine");

    public static IReadOnlySet<string> Keywords => KeywordsOfThisVersion.Value;

    /// <summary>What a connection string says by itself; null where libpq refuses it.</summary>
    public static IReadOnlyDictionary<string, string>? Parse(string connectionString) => Parse(connectionString, includeUnset: false);

    private static Dictionary<string, string>? Parse(string connectionString, bool includeUnset)
    {
        var options = PQconninfoParse(connectionString, out var message);
        if (options == 0)
        {
            PQfreemem(message);
            return null;
        }

        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var at = options; Marshal.PtrToStructure<Option>(at) is { Keyword: not 0 } option; at += Marshal.SizeOf<Option>())
        {
            var value = Marshal.PtrToStringUTF8(option.Value);
            if (value is not null || includeUnset)
                values[Marshal.PtrToStringUTF8(option.Keyword)!] = value ?? "";
        }

        PQconninfoFree(options);
        return values;
    }

    [DllImport(Library)]
    private static extern nint PQconninfoParse([MarshalAs(UnmanagedType.LPUTF8Str)] string conninfo, out nint message);

    [DllImport(Library)]
    private static extern void PQconninfoFree(nint options);

    [DllImport(Library)]
    private static extern void PQfreemem(nint memory);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Option
    {
        public readonly nint Keyword;
        public readonly nint Variable;
        public readonly nint Compiled;
        public readonly nint Value;
        public readonly nint Label;
        public readonly nint Display;
        public readonly int Size;
    }
}
