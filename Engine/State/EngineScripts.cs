using System.Reflection;
using Gristmill.Redis;

namespace Gristmill.Engine;

/// <summary>The engine's Lua scripts, each a file of <c>Engine/Scripts</c> whose header says what it takes and gives.</summary>
internal static class EngineScripts
{
    public static readonly RedisScript WriteState = Load("write_state");

    public static readonly RedisScript ClearState = Load("clear_state");

    private static RedisScript Load(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Gristmill.Engine.Scripts.{name}.lua")!;
        using var reader = new StreamReader(stream);
        return new RedisScript(name, reader.ReadToEnd());
    }
}
