using System.Reflection;
using Gristmill.Redis;

namespace Gristmill.Engine;

/// <summary>The engine's Lua scripts, each a file of <c>Engine/Scripts</c> whose header says what it takes and gives.</summary>
internal static class EngineScripts
{
    public static readonly RedisScript WriteState = Load("write_state");

    public static readonly RedisScript ClearState = Load("clear_state");

    public static readonly RedisScript MemberRenew = Load("member_renew");

    public static readonly RedisScript MemberLeave = Load("member_leave");

    public static readonly RedisScript MemberList = Load("member_list");

    public static readonly RedisScript MemberPurge = Load("member_purge");

    public static readonly RedisScript GrainRegister = Load("grain_register");

    public static readonly RedisScript GrainUnregister = Load("grain_unregister");

    public static readonly RedisScript GrainLookup = Load("grain_lookup");

    public static readonly RedisScript MessageSend = Load("message_send");

    public static readonly RedisScript MessageTake = Load("message_take");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<RedisScript> All { get; } =
    [
        WriteState, ClearState, MemberRenew, MemberLeave, MemberList, MemberPurge, GrainRegister, GrainUnregister, GrainLookup, MessageSend,
        MessageTake,
    ];

    private static RedisScript Load(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Gristmill.Engine.Scripts.{name}.lua")!;
        using var reader = new StreamReader(stream);
        return new RedisScript(name, reader.ReadToEnd());
    }
}
