using System.Text.RegularExpressions;

namespace HerokuMigrator.Readiness;

/// <summary>The region of a cloud that a database server stands in, as far as its host name tells.</summary>
/// <param name="Cloud">AWS, GCP or Azure.</param>
/// <param name="Name">The cloud's own name of the region, such as us-east-1.</param>
internal sealed partial record HostRegion(string Cloud, string Name)
{
    /// <summary>PlanetScale's short names (its documentation, "Regions"); its other names are the cloud's, after aws- or gcp-.</summary>
    private static readonly Dictionary<string, string> PlanetScale = new(StringComparer.Ordinal)
    {
        ["us-east"] = "us-east-1",
        ["us-west"] = "us-west-2",
        ["eu-west"] = "eu-west-1",
        ["eu-central"] = "eu-central-1",
        ["ap-south"] = "ap-south-1",
        ["ap-southeast"] = "ap-southeast-1",
        ["ap-northeast"] = "ap-northeast-1",
    };

    public override string ToString() => $"{Cloud} {Name}";

    /// <summary>Null where the name does not tell.</summary>
    public static HostRegion? Of(string host)
    {
        var name = host.TrimEnd('.').ToLowerInvariant();
        return OfAmazon(name) ?? OfPlanetScale(name) ?? OfOthers(name);
    }

    private static HostRegion? OfAmazon(string name)
    {
        // The oldest region of EC2 has names of its own.
        if (name.EndsWith(".compute-1.amazonaws.com", StringComparison.Ordinal))
        {
            return new HostRegion("AWS", "us-east-1");
        }

        var match = Amazon().Match(name);
        return match.Success ? new HostRegion("AWS", match.Groups["region"].Value) : null;
    }

    /// <summary>A number after a short name counts servers, not regions: us-east-3 is the third of us-east.</summary>
    private static HostRegion? OfPlanetScale(string name)
    {
        if (!name.EndsWith(".psdb.cloud", StringComparison.Ordinal))
        {
            return null;
        }

        foreach (var label in name.Split('.'))
        {
            if (PrefixedLabel().Match(label) is { Success: true } prefixed)
            {
                return new HostRegion(prefixed.Groups["cloud"].Value.ToUpperInvariant(), prefixed.Groups["region"].Value);
            }

            if (ShortLabel().Match(label) is { Success: true } shorter && PlanetScale.TryGetValue(shorter.Groups["name"].Value, out var region))
            {
                return new HostRegion("AWS", region);
            }
        }

        return null;
    }

    private static HostRegion? OfOthers(string name)
    {
        if (Neon().Match(name) is { Success: true } neon)
        {
            return new HostRegion(neon.Groups["cloud"].Value == "azure" ? "Azure" : "AWS", neon.Groups["region"].Value);
        }

        if (Supabase().Match(name) is { Success: true } supabase)
        {
            return new HostRegion("AWS", supabase.Groups["region"].Value);
        }

        return Azure().Match(name) is { Success: true } azure ? new HostRegion("Azure", azure.Groups["region"].Value)
            : Google().Match(name) is { Success: true } google ? new HostRegion("GCP", google.Groups["region"].Value)
            : null;
    }

    /// <summary>ec2-1-2-3-4.eu-west-1.compute.amazonaws.com, name.id.eu-west-1.rds.amazonaws.com and their Chinese kin, load balancers, VPC endpoints.</summary>
    [GeneratedRegex(@"\.((compute|rds|elb)\.)?(?<region>[a-z]{2}(-[a-z]+)+-\d+)(\.(compute|rds|rds-fips|elb|vpce))?\.amazonaws\.com(\.cn)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Amazon();

    [GeneratedRegex(@"^(?<cloud>aws|gcp)-(?<region>[a-z]+-[a-z]+-?\d+)(-\d+)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PrefixedLabel();

    [GeneratedRegex(@"^(?<name>[a-z]{2}-[a-z]+)(-\d+)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ShortLabel();

    [GeneratedRegex(@"\.(?<region>[a-z0-9-]+)\.(?<cloud>aws|azure)\.neon\.tech$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Neon();

    [GeneratedRegex(@"^aws-(\d+-)?(?<region>[a-z]{2}(-[a-z]+)+-\d+)\.pooler\.supabase\.com$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Supabase();

    /// <summary>Flexible servers have no region in their names; virtual machines and private names do.</summary>
    [GeneratedRegex(@"\.(?<region>[a-z]+\d?)\.cloudapp\.azure\.com$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Azure();

    /// <summary>Cloud SQL's names for private service connections, and internal names of machines (zone, without its letter).</summary>
    [GeneratedRegex(@"\.(?<region>[a-z]+-[a-z]+\d+)\.sql\.goog$|\.(?<region>[a-z]+-[a-z]+\d+)-[a-z]\.c\.[a-z0-9.:-]+\.internal$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Google();
}
