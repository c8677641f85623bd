using System.Management.Automation;
using System.Net;
using System.Security;

namespace HerokuMigrator.Commands;

/// <summary>A text as a parameter takes it that is never shown.</summary>
public sealed class SecretArgument
{
    private readonly string _text;

    private SecretArgument(string text) => _text = text;

    /// <summary>From a string, a Uri, a SecureString, or another argument.</summary>
    public static SecretArgument? From(object? value) => value switch
    {
        null => null,
        SecretArgument argument => argument,
        string text => new SecretArgument(text),
        Uri uri => new SecretArgument(uri.OriginalString),
        SecureString secret => new SecretArgument(new NetworkCredential("", secret).Password),
        PSObject { BaseObject: not PSCustomObject } wrapped => From(wrapped.BaseObject),
        _ => throw new ArgumentTransformationMetadataException("This is a string, a Uri, or a SecureString."),
    };

    public string Reveal() => _text;

    public override string ToString() => "(secret)";
}

/// <summary>Lets a parameter take text, a Uri or a SecureString.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SecretArgumentTransformationAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object inputData) => SecretArgument.From(inputData);
}
