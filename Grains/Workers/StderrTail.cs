using System.Text;

namespace Gristmill.Grains.Workers;

/// <summary>The last lines of a worker's stderr, to explain its end. Bounded in lines and in the length of each.</summary>
internal sealed class StderrTail(int maxLines)
{
    public const int MaxLineBytes = 4 * 1024;

    private readonly Queue<string> _lines = new();

    public void Add(string line)
    {
        if (maxLines == 0)
        {
            return;
        }

        lock (_lines)
        {
            if (_lines.Count == maxLines)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(line);
        }
    }

    /// <summary>All kept lines, or null without any.</summary>
    public string? Text()
    {
        lock (_lines)
        {
            return _lines.Count == 0 ? null : new StringBuilder().AppendJoin('\n', _lines).ToString();
        }
    }
}
