namespace HerokuMigrator.Lab;

/// <summary>A line diff for people: what was there and is gone (-), what is new (+), each with the line before it.</summary>
internal static class TextDifference
{
    public static IReadOnlyList<string> Between(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        var start = 0;
        while (start < before.Count && start < after.Count && before[start] == after[start])
        {
            start++;
        }

        var end = 0;
        while (end < before.Count - start && end < after.Count - start && before[^(end + 1)] == after[^(end + 1)])
        {
            end++;
        }

        return Walk(before, start, before.Count - end, after, start, after.Count - end);
    }

    private static List<string> Walk(IReadOnlyList<string> before, int from, int to, IReadOnlyList<string> after, int fromAfter, int toAfter)
    {
        var lengths = CommonLengths(before, from, to, after, fromAfter, toAfter);
        List<string> lines = [];
        var (i, j) = (from, fromAfter);
        while (i < to || j < toAfter)
        {
            if (i < to && j < toAfter && before[i] == after[j])
            {
                (i, j) = (i + 1, j + 1);
            }
            else if (j == toAfter || (i < to && lengths[i - from + 1, j - fromAfter] >= lengths[i - from, j - fromAfter + 1]))
            {
                lines.Add("- " + before[i++]);
            }
            else
            {
                lines.Add("+ " + after[j++]);
            }
        }

        return lines;
    }

    private static int[,] CommonLengths(IReadOnlyList<string> before, int from, int to, IReadOnlyList<string> after, int fromAfter, int toAfter)
    {
        var lengths = new int[to - from + 1, toAfter - fromAfter + 1];
        for (var i = to - 1; i >= from; i--)
        {
            for (var j = toAfter - 1; j >= fromAfter; j--)
            {
                lengths[i - from, j - fromAfter] = before[i] == after[j]
                    ? lengths[i - from + 1, j - fromAfter + 1] + 1
                    : Math.Max(lengths[i - from + 1, j - fromAfter], lengths[i - from, j - fromAfter + 1]);
            }
        }

        return lengths;
    }
}
