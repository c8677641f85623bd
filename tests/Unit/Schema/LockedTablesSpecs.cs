using HerokuMigrator.Schema;
using Xunit;

namespace HerokuMigrator.Unit.Schema;

public sealed class LockedTablesSpecs
{
    [Theory]
    [InlineData("ALTER TABLE ONLY public.orders\n    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);", "\"public\".\"orders\"")]
    [InlineData("ALTER TABLE ONLY \"Mixed Case\".\"Käse.Br\"\"öt\"\n    ADD CONSTRAINT \"a b\" UNIQUE (\"x\");", "\"Mixed Case\".\"Käse.Br\"\"öt\"")]
    [InlineData("CREATE UNIQUE INDEX \"odd ON a.b USING \" ON public.\"select\" USING btree (id);", "\"public\".\"select\"")]
    [InlineData("CREATE INDEX i ON ONLY public.parent USING gin (tags);", "\"public\".\"parent\"")]
    [InlineData("CREATE MATERIALIZED VIEW public.v AS SELECT 1;", null)]
    [InlineData("ALTER TABLE public.t OWNER TO somebody;", null)]
    public void The_table_of_a_constraint_or_an_index_is_read_from_its_text(string sql, string? table) => Assert.Equal(table, LockedTables.Of(sql));

    [Theory]
    [InlineData("ALTER TABLE ONLY public.a\n    ADD CONSTRAINT f FOREIGN KEY (b_id) REFERENCES public.b(id) ON DELETE CASCADE;", new[] { "\"public\".\"a\"", "\"public\".\"b\"" })]
    [InlineData("ALTER TABLE public.a\n    ADD CONSTRAINT \"f(\" FOREIGN KEY (\"x)\", y) REFERENCES \"S.2\".\"t\"\"2\"(p, q) NOT VALID;", new[] { "\"public\".\"a\"", "\"S.2\".\"t\"\"2\"" })]
    [InlineData("ALTER TABLE ONLY public.a\n    ADD CONSTRAINT f FOREIGN KEY (parent) REFERENCES public.a(id);", new[] { "\"public\".\"a\"" })]
    [InlineData("ALTER TABLE ONLY public.a\n    ADD CONSTRAINT c CHECK ((x > 0));", new string[0])]
    public void The_tables_that_a_foreign_key_locks_are_read_from_its_text(string sql, string[] tables) => Assert.Equal(tables, LockedTables.OfForeignKey(sql));
}
