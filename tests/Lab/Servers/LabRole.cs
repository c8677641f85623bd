using System.Security.Cryptography;

namespace HerokuMigrator.Lab;

/// <summary>A login role and its password; its text is its name alone.</summary>
public sealed class LabRole
{
    // Everything that a careless URL, connection string, service file or shell would trip over.
    private const string AwkwardPart = "p@s:s/w?o%r,d'q \"d\\e=ü€#&+";

    public LabRole(string name, string password)
    {
        Name = name;
        Password = password;
    }

    public string Name { get; }

    public string Password { get; }

    public override string ToString() => Name;

    internal static LabRole Create(string prefix) => new(prefix + RandomHex(6), AwkwardPart + RandomHex(8));

    internal static string RandomHex(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));
}
