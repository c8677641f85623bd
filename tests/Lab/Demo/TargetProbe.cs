using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>Writes to the target as the application will from now on.</summary>
internal static class TargetProbe
{
    private const string PlaceOrder = """
        WITH customer AS (INSERT INTO public.customers (email, name) VALUES ($1, 'after the move') RETURNING id),
            placed AS (INSERT INTO shop.orders (customer_id, invoice, total) SELECT id, nextval('shop.invoice_numbers'), 1 FROM customer RETURNING id)
        INSERT INTO shop.order_lines SELECT id, 1, 'SKU-1', 1 FROM placed
        """;

    /// <summary>Every key comes from a sequence, so one that was set too low makes this fail.</summary>
    public static async Task<int> PlaceOrdersAsync(PlanetScaleLikeDatabase target, int orders, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(target.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        for (var order = 0; order < orders; order++)
        {
            try
            {
                await using var command = new NpgsqlCommand(PlaceOrder, connection) { Parameters = { new() { Value = $"{Guid.NewGuid():N}@example.com" } } };
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
            catch (PostgresException exception)
            {
                throw new DemoException($"The target does not take an order: {exception.SqlState} {exception.MessageText}", exception);
            }
        }

        return orders;
    }
}
