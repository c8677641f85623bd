using HerokuMigrator.Catalog;

namespace HerokuMigrator.Copy;

/// <summary>What the first copy has to do for one table, and what an earlier run has done of it.</summary>
/// <param name="Table">Of which.</param>
/// <param name="BytesTotal">Its heap and TOAST on the source.</param>
/// <param name="BytesDone">What of these is copied.</param>
/// <param name="RowsDone">What that came to.</param>
/// <param name="Keys">How many keys are to be built once the rows are there.</param>
/// <param name="ToastRows">Pieces of long values that the table keeps beside its rows, about.</param>
internal sealed record TableWork(TableInfo Table, long BytesTotal, long BytesDone = 0, long RowsDone = 0, int Keys = 0, long ToastRows = 0);
