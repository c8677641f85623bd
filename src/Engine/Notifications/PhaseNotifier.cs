using System.Net.Http.Headers;
using System.Text;
using HerokuMigrator.Logs;
using HerokuMigrator.State;

namespace HerokuMigrator.Notifications;

/// <summary>
/// Posts the changes of phase that this process makes, one after the other and beside the work: a switch must not wait for a web server.
/// Each program posts its own changes, so that each is posted once. A failure changes nothing, and is one warning.
/// </summary>
internal sealed class PhaseNotifier(
    MigratorOptions options, MigrationHome home, DatabaseAddress source, DatabaseAddress target, IOperationEvents events, TimeSpan patience) : IAsyncDisposable
{
    /// <summary>How long one post may take, where nothing else is said.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private Task _posting = Task.CompletedTask;
    // Another program may forget it before this one's first change.
    private string? _known = home.ReadNotificationUri();
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
            // It leaves for a chat: what a server quoted of a row must not.
            var notice = new PhaseNotice(options.Name, phase, previous, DateTimeOffset.UtcNow, source, target, problem is null ? null : RowValues.Mask(problem));
            _posting = PostAfterAsync(_posting, _known, notice);
        }
    }

    /// <summary>Lets what is under way arrive, for as long as one post may take; what does not is told.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // A second more: the post that is under way then gives up by itself, and says why.
            await _posting.WaitAsync(patience + TimeSpan.FromSeconds(1));
        }
        catch (TimeoutException)
        {
            Warn(_known!, "the last ones could not be waited for");
        }
    }

    private async Task PostAfterAsync(Task before, string address, PhaseNotice notice)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            // Not followed elsewhere: a redirection would carry the notice to whoever answers in that name.
            using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = patience };
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
            Warn(address, exception is OperationCanceledException ? $"no answer within {patience.TotalSeconds:0.#} s" : exception.Message);
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
