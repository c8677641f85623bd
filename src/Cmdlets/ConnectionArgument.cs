using System.Management.Automation;
using System.Net;
using System.Security;

namespace HerokuMigrator.Commands;

/// <summary>A connection string as a parameter takes it; its text is never shown.</summary>
public sealed class ConnectionArgument
{
    private readonly string _connectionString;

    private ConnectionArgument(string connectionString) => _connectionString = connectionString;

    /// <summary>From a string, a SecureString, a <see cref="DatabaseAddress"/>, or another argument; null where nothing is known by it.</summary>
    public static ConnectionArgument? From(object? value) => value switch
    {
        null => null,
        ConnectionArgument argument => argument,
        string text => new ConnectionArgument(text),
        SecureString secret => new ConnectionArgument(new NetworkCredential("", secret).Password),
        DatabaseAddress address => address.RevealConnectionString() is { } text ? new ConnectionArgument(text) : null,
        PSObject { BaseObject: not PSCustomObject } wrapped => From(wrapped.BaseObject),
        // Came back from a job or a remote session without its secret; the migration's home knows it.
        PSObject copy when copy.TypeNames.Contains("Deserialized." + typeof(DatabaseAddress).FullName) => null,
        _ => throw new ArgumentTransformationMetadataException(
            "A connection is a string (URL or key=value), a SecureString, or the Source or Target of an object of this module."),
    };

    /// <summary>The connection string with its secrets.</summary>
    public string Reveal() => _connectionString;

    public override string ToString() => "(connection)";
}

/// <summary>Lets a connection parameter take text, a SecureString or the address that an object of this module carries.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ConnectionArgumentTransformationAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object inputData) => ConnectionArgument.From(inputData);
}
