using System.Text.Json;

namespace Gristmill.Silo.Configuration;

/// <summary>What to tell of an appsettings.json that cannot be read.</summary>
internal static class SettingsFile
{
    /// <summary>The file, the place and what is wrong there, in one line; null for another exception.</summary>
    public static string? Explain(Exception error)
    {
        if (error is not InvalidDataException { InnerException: FormatException or JsonException } wrong) return null;
        var file = wrong.Message.Split('\'') is [_, var path, ..] ? path : wrong.Message;
        var cause = wrong.GetBaseException();
        if (cause is not JsonException { LineNumber: { } line, BytePositionInLine: { } position }) return $"{file}: {cause.Message}";
        var what = cause.Message.Split(" LineNumber:")[0];
        return $"{file}, line {line + 1}, position {position + 1}: {what}";
    }
}
