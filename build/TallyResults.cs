using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Xml;
using System.Xml.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Adds up result files of xunit (v2+ XML) and of Pester (NUnit 2.5 or JUnit XML).
/// A file that is missing, unreadable, or of a run without tests is a failure: its runner died.
/// </summary>
public class TallyResults : Task
{
    private const int MostFailures = 20;
    private const int LongestFailure = 3000;

    [Required]
    public ITaskItem[] Files { get; set; }

    [Output]
    public string Summary { get; set; }

    /// <summary>What went wrong, in one sentence; empty where nothing did.</summary>
    [Output]
    public string Failures { get; set; }

    public override bool Execute()
    {
        var all = new Tally();
        var problems = new List<string>();
        var failed = new List<string>();
        foreach (var file in Files)
        {
            var name = Path.GetFileNameWithoutExtension(file.ItemSpec);
            var tally = Read(file.ItemSpec);
            if (tally == null)
            {
                problems.Add(name + " left no readable result file");
                continue;
            }

            if (tally.Passed + tally.Failed == 0)
            {
                problems.Add(name + " ran no test");
            }

            if (tally.Failed > 0)
            {
                problems.Add(name + " failed " + tally.Failed);
            }

            all.Passed += tally.Passed;
            all.Failed += tally.Failed;
            all.Skipped += tally.Skipped;
            failed.AddRange(tally.Failures);
        }

        if (Files.Length == 0)
        {
            problems.Add("no test project was run");
        }

        Summary = all.Passed + " passed, " + all.Failed + " failed, " + all.Skipped + " skipped";
        // Once more, each with its message and where: in a long output the first telling is far above.
        failed.Take(MostFailures).ToList().ForEach(failure => Log.LogMessage(MessageImportance.High, "{0}", failure));
        Failures = problems.Count == 0 ? "" : "Tests: " + string.Join("; ", problems) + ".";
        return true;
    }

    private static Tally Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var root = XDocument.Load(path).Root;
            return root.Name.LocalName == "test-results" ? ReadNUnit(root) : ReadXunit(root);
        }
        catch (XmlException)
        {
            return null;
        }
    }

    /// <summary>Errors outside a test, for instance in a fixture's disposal, count as failures.</summary>
    private static Tally ReadXunit(XElement root)
    {
        var assemblies = root.Elements("assembly").ToList();
        return new Tally
        {
            Passed = assemblies.Sum(assembly => Number(assembly, "passed")),
            Failed = assemblies.Sum(assembly => Number(assembly, "failed") + Number(assembly, "errors")),
            Skipped = assemblies.Sum(assembly => Number(assembly, "skipped") + Number(assembly, "not-run")),
            Failures = Describe(root.Descendants("failure")),
        };
    }

    private static Tally ReadNUnit(XElement root)
    {
        var failed = Number(root, "failures") + Number(root, "errors");
        var skipped = Number(root, "ignored") + Number(root, "skipped") + Number(root, "inconclusive") + Number(root, "not-run");
        var cases = root.Descendants("test-case").ToList();
        return new Tally
        {
            Passed = cases.Count(test => (string)test.Attribute("result") == "Success"),
            Failed = Math.Max(failed, cases.Count(test => (string)test.Attribute("result") == "Failure")),
            Skipped = Math.Min(skipped, cases.Count(test => (string)test.Attribute("executed") == "False")),
            Failures = Describe(root.Descendants("failure")),
        };
    }

    /// <summary>Both formats name the test, or what failed outside of one, by the element around the failure.</summary>
    private static List<string> Describe(IEnumerable<XElement> failures)
    {
        return failures
            .Where(failure => failure.Parent.Name.LocalName is "test" or "error" or "test-case")
            .Select(failure => Shorten("FAILED " + (string)failure.Parent.Attribute("name") + "\n"
                + (string)failure.Element("message") + "\n" + (string)failure.Element("stack-trace")))
            .ToList();
    }

    private static string Shorten(string text)
    {
        return text.Length <= LongestFailure ? text : text.Substring(0, LongestFailure) + " …";
    }

    private static int Number(XElement element, string attribute)
    {
        return (int?)element.Attribute(attribute) ?? 0;
    }

    private sealed class Tally
    {
        public int Passed;
        public int Failed;
        public int Skipped;
        public List<string> Failures;
    }
}
