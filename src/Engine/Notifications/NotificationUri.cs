namespace HerokuMigrator.Notifications;

/// <summary>Where phase changes are posted. It is a secret: whoever knows the address of a Slack webhook may write to the channel. So it is never shown but for its host.</summary>
internal static class NotificationUri
{
    /// <summary>Throws where it is none; the text is not repeated.</summary>
    public static Uri Parse(string text)
    {
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp) || uri.Host.Length == 0)
        {
            throw FaceErrors.NotificationUriInvalid("it is no absolute http or https address");
        }

        return uri.UserInfo.Length == 0 ? uri : throw FaceErrors.NotificationUriInvalid("a user and a password in it would not be sent");
    }

    /// <summary>What may be shown of it.</summary>
    public static string HostOf(string text) => Parse(text).Host;
}
