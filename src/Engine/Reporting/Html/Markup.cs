using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace HerokuMigrator.Reporting.Html;

/// <summary>Text that is HTML. It is made of interpolated strings, whose holes are encoded unless they are markup themselves: no name can become markup by oversight.</summary>
internal readonly record struct Markup(string Text)
{
    public static readonly Markup Empty = new("");

    public static Markup Of(MarkupHandler handler) => new(handler.ToText());

    public static Markup Join(IEnumerable<Markup> parts, string separator = "\n") => new(string.Join(separator, parts.Select(part => part.Text)));

    public static Markup When(bool condition, Func<Markup> markup) => condition ? markup() : Empty;

    public override string ToString() => Text;
}

/// <summary>Collects the pieces of <see cref="Markup.Of"/>.</summary>
[InterpolatedStringHandler]
internal readonly struct MarkupHandler
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder _text;

    public MarkupHandler(int literalLength, int formattedCount) => _text = new StringBuilder(literalLength + (formattedCount * 16));

    public void AppendLiteral(string literal) => _text.Append(literal);

    public void AppendFormatted(Markup markup) => _text.Append(markup.Text);

    public void AppendFormatted(IEnumerable<Markup> markup) => _text.Append(Markup.Join(markup).Text);

    /// <summary>Control characters are shown.</summary>
    public void AppendFormatted(string? text) => _text.Append(Encoder.Encode(TextWrap.Visible(text ?? "")));

    public void AppendFormatted<T>(T value, string? format = null)
        where T : IFormattable => AppendFormatted(value.ToString(format, CultureInfo.InvariantCulture));

    public string ToText() => _text.ToString();
}
