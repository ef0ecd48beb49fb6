using System.Text;

namespace Gristmill.Silo.Commands;

/// <summary>Reads a payload given as JSON, @file, or - for standard input.</summary>
internal static class PayloadSource
{
    /// <summary>The bytes.</summary>
    /// <exception cref="CommandException">The file cannot be read.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(string given, CommandEnvironment environment, CancellationToken cancellationToken)
    {
        if (given == "-") return Encoding.UTF8.GetBytes((await environment.In.ReadToEndAsync(cancellationToken)).TrimEnd('\r', '\n'));
        if (!given.StartsWith('@')) return Encoding.UTF8.GetBytes(given);
        var file = Path.Combine(environment.Folder, given[1..]);
        try
        {
            return await File.ReadAllBytesAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadUsage($"The payload cannot be read: {e.Message}");
        }
    }
}
