using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The comparison of what is not rows.</summary>
public sealed class ObjectComparisonSpecs(LabPair lab)
{
    private const string Schema = """
        CREATE EXTENSION citext;
        CREATE SCHEMA "Mixed Case";
        CREATE TYPE public.mood AS ENUM ('sad', 'glad');
        CREATE DOMAIN public.positive AS integer CHECK (VALUE > 0);
        CREATE TABLE "Mixed Case"."Käse.Bröt" ("Id" integer PRIMARY KEY, note text DEFAULT 'x', amount public.positive);
        CREATE INDEX "Käse.Idx" ON "Mixed Case"."Käse.Bröt" (note) WHERE note <> '';
        CREATE INDEX other_idx ON "Mixed Case"."Käse.Bröt" (note, amount);
        CREATE TABLE public.children (id serial PRIMARY KEY, parent integer, m public.mood, CONSTRAINT small CHECK (parent < 1000));
        ALTER TABLE public.children ADD CONSTRAINT parent_key FOREIGN KEY (parent) REFERENCES "Mixed Case"."Käse.Bröt";
        ALTER TABLE public.children ADD CONSTRAINT later CHECK (parent <> 13) NOT VALID;
        CREATE TABLE public.guarded (id integer PRIMARY KEY);
        ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON public.guarded USING (id > 0);
        CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.parent := NEW.parent; RETURN NEW; END';
        CREATE TRIGGER touched BEFORE UPDATE ON public.children FOR EACH ROW EXECUTE FUNCTION public.touch();
        CREATE TRIGGER always BEFORE UPDATE ON public.children FOR EACH ROW EXECUTE FUNCTION public.touch();
        ALTER TABLE public.children ENABLE ALWAYS TRIGGER always;
        CREATE VIEW public.glad AS SELECT id, parent FROM public.children WHERE m = 'glad';
        CREATE SEQUENCE public.down INCREMENT -1;
        INSERT INTO "Mixed Case"."Käse.Bröt" SELECT g FROM generate_series(1, 10) g;
        INSERT INTO public.children (parent) SELECT 1 FROM generate_series(1, 10);
        SELECT nextval('public.down'), nextval('public.down');
        """;

    /// <summary>What is done to the target, and the kind and the name that must be told of it.</summary>
    private static readonly (string Sql, string Kind, DifferenceKind Difference, string Object)[] Plants =
    [
        ("DROP INDEX \"Mixed Case\".\"Käse.Idx\"", "Index", DifferenceKind.Missing, "\"Mixed Case\".\"Käse.Idx\""),
        ("CREATE INDEX surplus ON public.children (parent)", "Index", DifferenceKind.Extra, "public.surplus"),
        ("ALTER TABLE \"Mixed Case\".\"Käse.Bröt\" ALTER note SET DEFAULT 'y'", "Column", DifferenceKind.Changed, "\"Mixed Case\".\"Käse.Bröt\".note"),
        ("ALTER TABLE public.children ALTER parent SET NOT NULL", "Column", DifferenceKind.Changed, "public.children.parent"),
        ("ALTER TABLE public.children DROP CONSTRAINT small; ALTER TABLE public.children ADD CONSTRAINT small CHECK (parent < 1000) NOT VALID", "Constraint", DifferenceKind.Changed, "public.children.small"),
        ("ALTER TABLE public.children DISABLE TRIGGER touched", "Trigger", DifferenceKind.Changed, "public.children.touched"),
        ("CREATE OR REPLACE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "Function", DifferenceKind.Changed, "public.touch()"),
        ("CREATE OR REPLACE VIEW public.glad AS SELECT id, parent FROM public.children WHERE m = 'sad'", "View", DifferenceKind.Changed, "public.glad"),
        ("ALTER TYPE public.mood ADD VALUE 'mad'", "Type", DifferenceKind.Changed, "public.mood"),
        ("ALTER SEQUENCE public.down CYCLE", "Sequence", DifferenceKind.Changed, "public.down"),
        ("DROP POLICY own ON public.guarded", "Policy", DifferenceKind.Missing, "public.guarded.own"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_object_that_differs_is_named_and_a_sequence_that_is_behind_after_the_switch()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Schema, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        var before = await CompareAsync(migrator);
        Assert.All(before, kind => Assert.True(kind.Outcome == ComparisonOutcome.Equal, kind.ToString()));
        Assert.Equal(
            ["public.children.always", "public.children.later", "public.guarded"],
            before.SelectMany(kind => kind.Differences).Where(difference => difference.WaitsForFence).Select(difference => difference.Object).Order(StringComparer.Ordinal));

        await migrator.SwitchAsync(new SwitchOptions(), Token);
        Assert.All(await CompareAsync(migrator), kind => Assert.Equal((ComparisonOutcome.Equal, 0), (kind.Outcome, kind.Differences.Count)));
        foreach (var plant in Plants)
        {
            await Owner.ExecuteAsync(move.Target, plant.Sql, Token);
        }

        await Owner.ExecuteAsync(move.Target, "SELECT setval('public.children_id_seq', 9); SELECT setval('public.down', -1)", Token);
        var found = await CompareAsync(migrator);
        var told = found.SelectMany(kind => kind.Differences.Select(difference => (kind.Kind, difference.Kind, difference.Object))).ToList();
        var expected = Plants.Select(plant => (plant.Kind, plant.Difference, plant.Object))
            .Append(("Sequence", DifferenceKind.Changed, "public.children_id_seq")).Append(("Sequence", DifferenceKind.Changed, "public.down")).ToList();
        Assert.Equal(expected.Order(), told.Order());
        var answer = await FaceCall.Of(move, "verify", "--objects").RunAsync(Token);
        Assert.Equal(1, answer.ExitCode);
        Assert.Contains("next value 11 became next value 10", answer.Output, StringComparison.Ordinal);

        // What the application goes on with is no difference.
        await Owner.ExecuteAsync(move.Target, "SELECT setval('public.children_id_seq', 500); SELECT setval('public.down', -500)", Token);
        Assert.DoesNotContain(await CompareAsync(migrator), kind => kind.Differences.Any(difference => difference.Source?.StartsWith("next value", StringComparison.Ordinal) == true));
        await migrator.StopAsync(Token);
    }

    /// <summary>But for an extension that the target's role may not make: the start has warned of it.</summary>
    private static async Task<IReadOnlyList<ObjectComparison>> CompareAsync(Migrator migrator) =>
    [
        .. (await migrator.CompareObjectsAsync(Token)).Select(kind => kind.Kind == "Extension" && kind.Differences is [{ Kind: DifferenceKind.Missing, Object: "pg_stat_statements" }]
            ? kind with { Outcome = ComparisonOutcome.Equal, Differences = [] }
            : kind),
    ];
}
