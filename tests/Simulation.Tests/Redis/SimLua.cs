using System.Text;
using System.Text.Json;
using Gristmill.Redis;
using KeraLua;

namespace Gristmill.Simulation.Tests.Redis;

/// <summary>
/// Runs the real scripts against a <see cref="SimDatabase"/>. The interpreter is a Lua 5.4 where Redis has 5.1; what the
/// scripts use means the same in both (5.1's unpack is given to it). One interpreter serves all simulations: scripts have
/// no state of their own.
/// </summary>
internal sealed class SimLua
{
    // An error must not jump over .NET's frames: it comes back as a value, and the shim raises it.
    private const string Shim =
        """
        unpack = table.unpack
        redis = {}
        function redis.call(...)
          local ok, value = raw_call(...)
          if not ok then error(value, 0) end
          return value
        end
        function redis.error_reply(text) return { err = text } end
        function redis.status_reply(text) return { ok = text } end
        cjson = { decode = raw_decode, encode = raw_encode }
        """;

    private static readonly SimLua Instance = new();
    private readonly Lua _lua = new() { Encoding = Encoding.Latin1 };
    private readonly Dictionary<string, int> _compiled = [];
    private readonly LuaFunction[] _functions;
    private SimDatabase? _database;

    private SimLua()
    {
        // Kept here, since the interpreter does not keep them alive.
        _functions = [_ => Call(), _ => Decode(), _ => Encode()];
        _lua.Register("raw_call", _functions[0]);
        _lua.Register("raw_decode", _functions[1]);
        _lua.Register("raw_encode", _functions[2]);
        if (_lua.DoString(Shim)) throw new InvalidOperationException(_lua.ToString(-1));
    }

    /// <summary>Runs a script.</summary>
    /// <exception cref="RedisServerException">The script ended with an error.</exception>
    public static RedisReply Run(SimDatabase database, RedisScript script, IReadOnlyList<string> keys, IReadOnlyList<string> arguments)
    {
        lock (Instance) return Instance.RunLocked(database, script, keys, arguments);
    }

    /// <summary>A reply of the database as the client gets it.</summary>
    public static RedisReply Reply(object? value) => value switch
    {
        null => default,
        long number => RedisReply.OfInteger(number),
        string text => RedisReply.OfBytes(RedisReplyKind.BulkString, Encoding.Latin1.GetBytes(text)),
        SimStatus status => RedisReply.OfBytes(RedisReplyKind.SimpleString, Encoding.Latin1.GetBytes(status.Text)),
        object?[] items => RedisReply.OfItems(RedisReplyKind.Array, [.. items.Select(Reply)]),
        _ => throw new InvalidOperationException($"No reply is a {value.GetType()}."),
    };

    private RedisReply RunLocked(SimDatabase database, RedisScript script, IReadOnlyList<string> keys, IReadOnlyList<string> arguments)
    {
        _database = database;
        SetGlobal("KEYS", keys);
        SetGlobal("ARGV", arguments);
        _lua.RawGetInteger(LuaRegistry.Index, Compiled(script));
        var failed = _lua.PCall(0, 1, 0) != LuaStatus.OK;
        try
        {
            if (failed) throw new RedisServerException("ERR", $"script {script.Name}: {_lua.ToString(-1)}");
            return TakeReply(-1);
        }
        finally
        {
            _lua.SetTop(0);
        }
    }

    private int Compiled(RedisScript script)
    {
        if (_compiled.TryGetValue(script.Sha1, out var known)) return known;
        if (_lua.LoadString(script.Body, script.Name) != LuaStatus.OK) throw new InvalidOperationException($"{script.Name}: {_lua.ToString(-1)}");
        return _compiled[script.Sha1] = _lua.Ref(LuaRegistry.Index);
    }

    private void SetGlobal(string name, IReadOnlyList<string> values)
    {
        _lua.CreateTable(values.Count, 0);
        for (var i = 0; i < values.Count; i++)
        {
            _lua.PushString(values[i]);
            _lua.RawSetInteger(-2, i + 1);
        }

        _lua.SetGlobal(name);
    }

    private int Call()
    {
        var count = _lua.GetTop();
        var words = new List<string>(count);
        for (var i = 1; i <= count; i++) words.Add(Word(i));
        try
        {
            var reply = _database!.Do(words[0], words.GetRange(1, count - 1));
            _lua.PushBoolean(true);
            Push(reply);
        }
        catch (Exception error)
        {
            _lua.PushBoolean(false);
            _lua.PushString(error.Message);
        }

        return 2;
    }

    private string Word(int index) => _lua.Type(index) == LuaType.Number ? SimDatabase.Text(_lua.ToNumber(index)) : _lua.ToString(index, callMetamethod: false);

    private void Push(object? value)
    {
        switch (value)
        {
            case null:
                _lua.PushBoolean(false);
                break;
            case long number:
                _lua.PushInteger(number);
                break;
            case string text:
                _lua.PushString(text);
                break;
            case SimStatus status:
                _lua.CreateTable(0, 1);
                _lua.PushString(status.Text);
                _lua.SetField(-2, "ok");
                break;
            case object?[] items:
                _lua.CreateTable(items.Length, 0);
                for (var i = 0; i < items.Length; i++)
                {
                    Push(items[i]);
                    _lua.RawSetInteger(-2, i + 1);
                }

                break;
        }
    }

    private RedisReply TakeReply(int index)
    {
        switch (_lua.Type(index))
        {
            case LuaType.Number:
                return RedisReply.OfInteger((long)_lua.ToNumber(index));
            case LuaType.String:
                return RedisReply.OfBytes(RedisReplyKind.BulkString, Encoding.Latin1.GetBytes(_lua.ToString(index, callMetamethod: false)));
            case LuaType.Boolean:
                return _lua.ToBoolean(index) ? RedisReply.OfInteger(1) : default;
            case LuaType.Table:
                return TakeTable(index < 0 ? _lua.AbsIndex(index) : index);
            default:
                return default;
        }
    }

    private RedisReply TakeTable(int table)
    {
        if (_lua.GetField(table, "err") == LuaType.String) throw new RedisServerException("ERR", _lua.ToString(-1, callMetamethod: false));
        _lua.Pop(1);
        var items = new List<RedisReply>();
        for (var i = 1; _lua.RawGetInteger(table, i) != LuaType.Nil; i++)
        {
            items.Add(TakeReply(-1));
            _lua.Pop(1);
        }

        _lua.Pop(1);
        return RedisReply.OfItems(RedisReplyKind.Array, [.. items]);
    }

    private int Decode()
    {
        using var json = JsonDocument.Parse(Encoding.Latin1.GetBytes(_lua.ToString(1, callMetamethod: false)));
        PushJson(json.RootElement);
        return 1;
    }

    private void PushJson(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                _lua.NewTable();
                foreach (var member in value.EnumerateObject())
                {
                    PushJson(member.Value);
                    _lua.SetField(-2, member.Name);
                }

                break;
            case JsonValueKind.Array:
                _lua.NewTable();
                var at = 1;
                foreach (var item in value.EnumerateArray())
                {
                    PushJson(item);
                    _lua.RawSetInteger(-2, at++);
                }

                break;
            case JsonValueKind.Number:
                // An integer stays one: 5.1 would write it without a point.
                if (value.TryGetInt64(out var whole)) _lua.PushInteger(whole);
                else _lua.PushNumber(value.GetDouble());
                break;
            case JsonValueKind.String:
                _lua.PushString(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value.GetString()!)));
                break;
            default:
                _lua.PushBoolean(value.ValueKind == JsonValueKind.True);
                break;
        }
    }

    private int Encode()
    {
        var text = new StringBuilder();
        WriteJson(1, text);
        _lua.PushString(text.ToString());
        return 1;
    }

    private void WriteJson(int index, StringBuilder text)
    {
        switch (_lua.Type(index))
        {
            case LuaType.Table:
                WriteTable(_lua.AbsIndex(index), text);
                break;
            case LuaType.Number:
                text.Append(SimDatabase.Text(_lua.ToNumber(index)));
                break;
            case LuaType.Boolean:
                text.Append(_lua.ToBoolean(index) ? "true" : "false");
                break;
            default:
                text.Append('"').Append(_lua.ToString(index, callMetamethod: false).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
                break;
        }
    }

    private void WriteTable(int table, StringBuilder text)
    {
        var length = _lua.RawLen(table);
        text.Append(length > 0 ? '[' : '{');
        var first = true;
        _lua.PushNil();
        while (_lua.Next(table))
        {
            if (!first) text.Append(',');
            first = false;
            if (length == 0) text.Append('"').Append(_lua.ToString(-2, callMetamethod: false)).Append("\":");
            WriteJson(-1, text);
            _lua.Pop(1);
        }

        text.Append(length > 0 ? ']' : '}');
    }
}
