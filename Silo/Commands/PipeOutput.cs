using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Silo.Commands;

/// <summary>
/// Standard output that goes to another program. The console of .NET keeps silent when that has gone (`gristmill queues --watch | head`),
/// and the command would write on for ever; this writer throws.
/// </summary>
internal static class PipeOutput
{
    /// <summary>How a program ends that writes where nobody reads: 128 and SIGPIPE.</summary>
    public const int Status = 141;

    private const int StandardOutput = 1;
    private const int BrokenPipe = 32;

    /// <summary>Whether the reader has gone.</summary>
    public static bool IsClosed(Exception error) => error is IOException { HResult: BrokenPipe };

    /// <summary>The writer of standard output.</summary>
    public static TextWriter Open()
    {
        if (!Console.IsOutputRedirected) return Console.Out;
        var stream = new FileStream(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);

        // A file is written at an end that it may share with others, which the console heeds.
        return stream.CanSeek ? Console.Out : new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
    }
}
