using HerokuMigrator.Readiness;
using Xunit;

namespace HerokuMigrator.Unit.Readiness;

public sealed class HostRegionSpecs
{
    [Theory]
    [InlineData("ec2-52-1-2-3.compute-1.amazonaws.com", "AWS us-east-1")]
    [InlineData("EC2-52-1-2-3.COMPUTE-1.AMAZONAWS.COM.", "AWS us-east-1")]
    [InlineData("ec2-52-1-2-3.eu-west-1.compute.amazonaws.com", "AWS eu-west-1")]
    [InlineData("c5abc.cluster-xyz.us-east-1.rds.amazonaws.com", "AWS us-east-1")]
    [InlineData("shop.abc.us-gov-west-1.rds.amazonaws.com", "AWS us-gov-west-1")]
    [InlineData("shop.abc.rds.cn-north-1.amazonaws.com.cn", "AWS cn-north-1")]
    [InlineData("vpce-1.vpce-svc-2.eu-central-1.vpce.amazonaws.com", "AWS eu-central-1")]
    [InlineData("lb-1.elb.us-west-2.amazonaws.com", "AWS us-west-2")]
    [InlineData("lb-1.us-west-2.elb.amazonaws.com", "AWS us-west-2")]
    [InlineData("us-east.pg.psdb.cloud", "AWS us-east-1")]
    [InlineData("us-east-3.pg.psdb.cloud", "AWS us-east-1")]
    [InlineData("us-west-1.pg.psdb.cloud", "AWS us-west-2")]
    [InlineData("eu-central-2.pg.psdb.cloud", "AWS eu-central-1")]
    [InlineData("aws-eu-west-2.pg.psdb.cloud", "AWS eu-west-2")]
    [InlineData("aws-ap-southeast-2-1.pg.psdb.cloud", "AWS ap-southeast-2")]
    [InlineData("gcp-us-central1.pg.psdb.cloud", "GCP us-central1")]
    [InlineData("abc.aws-us-east-2.pg.psdb.cloud", "AWS us-east-2")]
    [InlineData("ep-cool-1.us-east-2.aws.neon.tech", "AWS us-east-2")]
    [InlineData("ep-cool-1.eastus2.azure.neon.tech", "Azure eastus2")]
    [InlineData("aws-0-eu-west-3.pooler.supabase.com", "AWS eu-west-3")]
    [InlineData("vm.westeurope.cloudapp.azure.com", "Azure westeurope")]
    [InlineData("a1b2.c3d4.europe-west1.sql.goog", "GCP europe-west1")]
    [InlineData("vm.us-central1-a.c.shop.internal", "GCP us-central1")]
    public void A_host_name_that_tells_its_region_is_understood(string host, string region) => Assert.Equal(region, HostRegion.Of(host)?.ToString());

    [Theory]
    [InlineData("localhost")]
    [InlineData("10.0.0.1")]
    [InlineData("/var/run/postgresql")]
    [InlineData("")]
    [InlineData("db.example.com")]
    [InlineData("us-east-1.example.com")]
    [InlineData("shop.postgres.database.azure.com")]
    [InlineData("mars-north.pg.psdb.cloud")]
    [InlineData("us-east-1.rds.amazonaws.com.evil.test")]
    public void Another_tells_none(string host) => Assert.Null(HostRegion.Of(host));
}
