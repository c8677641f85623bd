using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Lets a moment be given as such, as a time span before now, or as a text that tells either.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SinceTransformationAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
        {
            TimeSpan ago => DateTimeOffset.Now - ago.Duration(),
            DateTime moment => new DateTimeOffset(moment),
            string text => Parse(text),
            // To PowerShell 90s and 3d are numbers, of which it still knows how they were written.
            short or int or long or decimal or double => Parse(LanguagePrimitives.ConvertTo<string>(inputData)),
            var other => other,
        };

    private static DateTimeOffset Parse(string text)
    {
        try
        {
            return LogOptions.ParseSince(text, DateTimeOffset.Now);
        }
        catch (MigrationException exception)
        {
            throw new ArgumentTransformationMetadataException($"{exception.Message} {exception.RecommendedAction}", exception);
        }
    }
}
