using System.Net.Http.Headers;
using System.Text;
using HerokuMigrator.State;

namespace HerokuMigrator.Notifications;

/// <summary>
/// Posts the changes of phase that this process makes, one after the other and beside the work: a switch must not wait for a web server.
/// Each program posts its own changes, so that each is posted once. A failure changes nothing, and is one warning.
/// </summary>
internal sealed class PhaseNotifier(MigratorOptions options, MigrationHome home, DatabaseAddress source, DatabaseAddress target, IOperationEvents events) : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private Task _posting = Task.CompletedTask;
    private string? _known;
    private MigrationPhase? _told;
    private bool _hasWarned;

    public void Tell(MigrationPhase phase, MigrationPhase previous, string? problem = null)
    {
        lock (_gate)
        {
            // Read each time, as a start may have brought another; the last one that is known serves where the end of a migration has taken it away.
            _known = options.NotificationUri ?? home.ReadNotificationUri() ?? _known;
            if (string.IsNullOrEmpty(_known) || phase == _told)
            {
                return;
            }

            _told = phase;
            var notice = new PhaseNotice(options.Name, phase, previous, DateTimeOffset.UtcNow, source, target, problem);
            _posting = PostAfterAsync(_posting, _known, notice);
        }
    }

    /// <summary>Lets what is under way arrive, for as long as one post may take.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAny(_posting, Task.Delay(Timeout));

    private async Task PostAfterAsync(Task before, string address, PhaseNotice notice)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            // Not followed elsewhere: a redirection would carry the notice to whoever answers in that name.
            using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout };
            using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(notice.ToJson()));
            body.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
            using var answer = await client.PostAsync(NotificationUri.Parse(address), body);
            if (!answer.IsSuccessStatusCode)
            {
                Warn(address, $"it answered with {(int)answer.StatusCode}");
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or MigrationException)
        {
            Warn(address, exception is OperationCanceledException ? $"no answer within {Timeout.TotalSeconds:0} s" : exception.Message);
        }
    }

    private void Warn(string address, string cause)
    {
        if (!_hasWarned)
        {
            _hasWarned = true;
            events.Warning($"A change of phase could not be posted to {HostOf(address)}: {cause}. The migration goes on; it is told once.");
        }
    }

    /// <summary>What the home holds may have been changed by hand.</summary>
    private static string HostOf(string address) => Uri.TryCreate(address, UriKind.Absolute, out var uri) ? uri.Host : "the notification address";
}
