using System.Text.RegularExpressions;
using HerokuMigrator.Operations;
using HerokuMigrator.Processes;

namespace HerokuMigrator.Logs;

/// <summary>
/// Masks secrets in what leaves this machine's files: the migration's passwords as far as they are known, and whatever has the form of a connection string's password,
/// as those of a migration that has ended are not known any more.
/// </summary>
internal sealed partial class SecretMask
{
    private readonly Redactor _known;

    private SecretMask(IEnumerable<string> secrets) => _known = new Redactor(secrets);

    /// <param name="session">Null: only the forms count.</param>
    public static SecretMask Of(MigrationSession? session) => new(session is null ? [] : session.SourceSettings.Secrets.Concat(session.TargetSettings.Secrets));

    public string Redact(string text) => Pair().Replace(Url().Replace(_known.Redact(text), $"${{before}}{Redactor.Mask}@"), $"${{before}}{Redactor.Mask}");

    [GeneratedRegex("""(?<before>\b[a-z][a-z0-9+]*://[^\s:/@]*:)\S*@""", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Url();

    [GeneratedRegex("""(?<before>\b(password|sslpassword|pgpassword|passwd)\s*=\s*)('([^'\\]|\\.|'')*'|"[^"]*"|[^\s&;,]+)""", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Pair();
}
