using System.Text;

namespace Gristmill.Grains.Workers;

/// <summary>
/// The last lines of a worker's stderr, to explain its end. Bounded in lines and in the length of each; a flood costs no more
/// than copying it, since the places of old lines are used again and only what is asked for becomes text.
/// </summary>
internal sealed class StderrTail(int maxLines)
{
    public const int MaxLineBytes = 4 * 1024;

    private readonly Lock _gate = new();
    private readonly (byte[] Bytes, int Length)[] _lines = new (byte[], int)[maxLines];
    private long _added;

    /// <param name="line">At most <see cref="MaxLineBytes"/>.</param>
    public void Add(ReadOnlySpan<byte> line)
    {
        if (maxLines == 0)
        {
            return;
        }

        lock (_gate)
        {
            ref var place = ref _lines[_added++ % maxLines];
            if (place.Bytes is null || place.Bytes.Length < line.Length)
            {
                place.Bytes = new byte[Math.Min(MaxLineBytes, Math.Max(line.Length * 2, 64))];
            }

            line.CopyTo(place.Bytes);
            place.Length = line.Length;
        }
    }

    /// <summary>All kept lines, or null without any.</summary>
    public string? Text()
    {
        lock (_gate)
        {
            var text = new StringBuilder();
            var first = Math.Max(0, _added - maxLines);
            for (var n = first; n < _added; n++)
            {
                var (bytes, length) = _lines[n % maxLines];
                text.Append(n == first ? "" : "\n").Append(Encoding.UTF8.GetString(bytes, 0, length));
            }

            return _added == 0 ? null : text.ToString();
        }
    }
}
