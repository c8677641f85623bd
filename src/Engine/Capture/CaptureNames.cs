using System.Security.Cryptography;
using System.Text;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Capture;

/// <summary>
/// The names that Bucardo 5.6.0 looks for on the source (its function bucardo_tablename_maker):
/// schema and table joined by underscores, over 57 characters the first 46, an exclamation mark, and ten digits of the MD5.
/// </summary>
internal sealed record CaptureNames(string Maker)
{
    /// <summary>When the change was made, by the wall clock; Bucardo itself knows only txntime, which is no time here.</summary>
    public const string CapturedAtColumn = "hm_captured_at";

    public const string DeltaTrigger = "bucardo_delta";

    public const string TruncateTrigger = "bucardo_note_trunc_" + SyncName;

    /// <summary>One sync, one dbgroup and one relgroup of this name in each control database: a second dbgroup would purge what was not replicated.</summary>
    public const string SyncName = "migration";

    public const string TrackTarget = "dbgroup " + SyncName;

    public string Delta => "delta_" + Maker;

    public string Track => "track_" + Maker;

    public string Stage => "stage_" + Maker;

    public string TruncateFunction => "trunc_" + Maker;

    public string TimeIndex => "dex1_" + Maker;

    public string KeyIndex => "dex2_" + Maker;

    public string TrackIndex => "dex3_" + Maker;

    public static CaptureNames For(TableInfo table) => For(table.Schema, table.Name);

    public static CaptureNames For(string schema, string table)
    {
        var name = (schema + "_" + table).Replace('.', '_').Replace("\"", "", StringComparison.Ordinal);
        if (SqlName.CodePoints(name) <= 57)
        {
            return new CaptureNames(name);
        }

#pragma warning disable CA5351 // Bucardo's own naming rule; nothing is protected by it.
        var hash = Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(name)))[..10];
#pragma warning restore CA5351
        return new CaptureNames(SqlName.TakeCodePoints(name, 46) + "!" + hash);
    }

    public static string InBucardo(string name) => "bucardo." + SqlName.Quote(name);
}
