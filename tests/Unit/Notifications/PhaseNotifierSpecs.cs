using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using HerokuMigrator.Notifications;
using HerokuMigrator.State;
using Xunit;

namespace HerokuMigrator.Unit.Notifications;

public sealed class PhaseNotifierSpecs : IDisposable
{
    private const string Secret = "T0PS3CR3T";

    private readonly string _root = Directory.CreateTempSubdirectory("hm-unit-").FullName;
    private readonly StringWriter _log = new();

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Each_change_is_posted_once_in_order_as_json_with_a_text_that_Slack_shows()
    {
        await using var server = new WebServer(200);
        await using (var notifier = Notifier(server.Address))
        {
            notifier.Tell(MigrationPhase.Copying, MigrationPhase.Preparing);
            notifier.Tell(MigrationPhase.Copying, MigrationPhase.Preparing);
            notifier.Tell(MigrationPhase.Failed, MigrationPhase.Copying, "a < b & c");
        }

        Assert.Equal(2, server.Bodies.Count);
        using var first = JsonDocument.Parse(server.Bodies[0]);
        Assert.Equal("Copying", first.RootElement.GetProperty("phase").GetString());
        Assert.Equal("Preparing", first.RootElement.GetProperty("previousPhase").GetString());
        Assert.StartsWith("Migration shop: Preparing → Copying", first.RootElement.GetProperty("text").GetString());
        using var second = JsonDocument.Parse(server.Bodies[1]);
        Assert.EndsWith("a &lt; b &amp; c", second.RootElement.GetProperty("text").GetString());
        Assert.Equal("a < b & c", second.RootElement.GetProperty("problem").GetString());
        Assert.Empty(_log.ToString());
    }

    [Theory]
    [InlineData(500)]
    [InlineData(302)]
    [InlineData(0)]
    public async Task What_cannot_be_posted_is_one_warning_that_shows_no_more_than_the_host(int answer)
    {
        await using var server = new WebServer(answer);
        await using (var notifier = Notifier(server.Address))
        {
            notifier.Tell(MigrationPhase.Copying, MigrationPhase.Preparing);
            notifier.Tell(MigrationPhase.CatchingUp, MigrationPhase.Copying);
        }

        Assert.Contains("127.0.0.1", Assert.Single(_log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.DoesNotContain(Secret, _log.ToString());
    }

    [Fact]
    public async Task Nothing_is_posted_where_nobody_asked_for_it()
    {
        await using var server = new WebServer(200);
        await using (var notifier = Notifier(null))
        {
            notifier.Tell(MigrationPhase.Copying, MigrationPhase.Preparing);
        }

        Assert.Empty(server.Bodies);
    }

    [Fact]
    public async Task What_the_home_keeps_serves_until_the_home_forgets_it_and_for_the_last_change_even_then()
    {
        await using var server = new WebServer(200);
        var home = MigrationHome.Locate("shop", _root);
        home.Create();
        await home.SaveNotificationUriAsync(server.Address, TestContext.Current.CancellationToken);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(home.NotificationFile));
        await using (var notifier = Notifier(null))
        {
            notifier.Tell(MigrationPhase.Completing, MigrationPhase.Switched);
            home.Forget();
            Assert.Null(home.ReadNotificationUri());
            notifier.Tell(MigrationPhase.Completed, MigrationPhase.Completing);
        }

        Assert.Equal(2, server.Bodies.Count);
    }

    [Fact]
    public async Task An_address_that_was_kept_when_the_work_began_serves_although_another_program_forgets_it()
    {
        await using var server = new WebServer(200);
        var home = MigrationHome.Locate("shop", _root);
        home.Create();
        await home.SaveNotificationUriAsync(server.Address, TestContext.Current.CancellationToken);
        await using (var notifier = Notifier(null))
        {
            home.Forget();
            notifier.Tell(MigrationPhase.Completed, MigrationPhase.Completing);
        }

        Assert.Single(server.Bodies);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up_with_a_warning()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using (var notifier = Notifier($"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/{Secret}", TimeSpan.FromMilliseconds(200)))
        {
            notifier.Tell(MigrationPhase.Copying, MigrationPhase.Preparing);
        }

        Assert.Contains("no answer within 0.2 s", _log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, _log.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("/a/b")]
    [InlineData("ftp://host/T0PS3CR3T")]
    [InlineData("file:///etc/T0PS3CR3T")]
    [InlineData("https://user:T0PS3CR3T@host/")]
    public void What_is_no_web_address_is_refused_without_being_shown(string address)
    {
        var refused = Assert.Throws<MigrationException>(() => new MigratorOptions { NotificationUri = address }.Validate());
        Assert.Equal("NotificationUriInvalid", refused.ErrorId);
        Assert.DoesNotContain(Secret, refused.Message + refused.RecommendedAction);
    }

    private PhaseNotifier Notifier(string? address, TimeSpan? patience = null) => new(
        new MigratorOptions { Name = "shop", NotificationUri = address }, MigrationHome.Locate("shop", _root),
        new DatabaseAddress("a", 1, "b", "c"), new DatabaseAddress("d", 2, "e", "f"), new TextEvents(_log), patience ?? PhaseNotifier.Patience);

    /// <summary>Answers every request with a status, or hangs up where that is 0.</summary>
    private sealed class WebServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly int _status;
        private readonly Task _serving;

        public WebServer(int status)
        {
            _status = status;
            _listener.Start();
            _serving = ServeAsync();
        }

        public List<string> Bodies { get; } = [];

        public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/services/{Secret}";

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await Task.WhenAny(_serving);
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await using var stream = client.GetStream();
                if (_status == 0)
                {
                    continue;
                }

                Bodies.Add(await ReadBodyAsync(stream));
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {_status} Answer\r\nContent-Length: 0\r\nConnection: close\r\nLocation: /elsewhere\r\n\r\n"));
            }
        }

        private static async Task<string> ReadBodyAsync(NetworkStream stream)
        {
            var bytes = new List<byte>();
            var buffer = new byte[4096];
            while (true)
            {
                bytes.AddRange(buffer.AsSpan(0, await stream.ReadAsync(buffer)));
                var text = Encoding.UTF8.GetString([.. bytes]);
                var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (end >= 0 && bytes.Count - end - 4 >= Length(text))
                {
                    return text[(end + 4)..];
                }
            }
        }

        private static int Length(string text) => int.Parse(text.Split("Content-Length: ")[1].Split('\r')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
