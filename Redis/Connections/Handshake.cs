using System.Buffers;
using System.Globalization;

namespace Gristmill.Redis;

/// <summary>
/// What is said on a new connection before any command: HELLO 3 with the user and password, or AUTH where the server speaks
/// RESP2 only; the client's name for CLIENT LIST; the database; and a PING, which a server that is loading, busy, or a
/// replica without its master refuses, so that a connection counts as made only when commands can be served.
/// </summary>
internal static class Handshake
{
    public static async ValueTask RunAsync(RedisLink link, RedisOptions options, CancellationToken cancellationToken)
    {
        link.Server = await GreetAsync(link, options, cancellationToken).ConfigureAwait(false);

        // An ACL may forbid these, and servers before 7.2 do not know SETINFO: they are for people who look, nothing depends on them.
        await AskAsync(link, options, cancellationToken, "CLIENT", "SETNAME", options.ClientName).ConfigureAwait(false);
        await AskAsync(link, options, cancellationToken, "CLIENT", "SETINFO", "LIB-NAME", "gristmill").ConfigureAwait(false);
        if (options.Database != 0)
        {
            var number = options.Database.ToString(CultureInfo.InvariantCulture);
            Require(await AskAsync(link, options, cancellationToken, "SELECT", number).ConfigureAwait(false));
        }

        var pong = await AskAsync(link, options, cancellationToken, "PING").ConfigureAwait(false);
        if (pong.Error is { Code: RedisErrorCode.Loading or RedisErrorCode.MasterDown or RedisErrorCode.Busy or RedisErrorCode.NoAuth } error)
        {
            throw error;
        }
    }

    private static async ValueTask<RedisServerInfo> GreetAsync(RedisLink link, RedisOptions options, CancellationToken cancellationToken)
    {
        if (options.Protocol != RedisProtocol.Resp2)
        {
            var hello = await HelloAsync(link, options, cancellationToken).ConfigureAwait(false);
            if (hello.Error is null)
            {
                return FromHello(hello.Reply);
            }

            if (options.Protocol == RedisProtocol.Resp3 || !SpeaksOnlyResp2(hello.Error))
            {
                throw hello.Error;
            }
        }

        if (options.Password is { } password)
        {
            Require(options.User is { } user
                ? await AskAsync(link, options, cancellationToken, "AUTH", user, password).ConfigureAwait(false)
                : await AskAsync(link, options, cancellationToken, "AUTH", password).ConfigureAwait(false));
        }

        var info = await AskAsync(link, options, cancellationToken, "INFO", "server").ConfigureAwait(false);
        return info.Error is null ? FromInfo(info.Reply.AsString()) : new RedisServerInfo("redis", "", 2);
    }

    private static ValueTask<Answer> HelloAsync(RedisLink link, RedisOptions options, CancellationToken cancellationToken) =>
        options.Password is { } password
            ? AskAsync(link, options, cancellationToken, "HELLO", "3", "AUTH", options.User ?? "default", password)
            : AskAsync(link, options, cancellationToken, "HELLO", "3");

    private static bool SpeaksOnlyResp2(RedisServerException error) =>
        error.Code == RedisErrorCode.NoProtocol || error.Message.Contains("unknown command", StringComparison.OrdinalIgnoreCase);

    private static RedisServerInfo FromHello(RedisReply reply)
    {
        var facts = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < reply.Count; i += 2)
        {
            if (reply[i].Kind is RedisReplyKind.BulkString or RedisReplyKind.SimpleString && !reply[i + 1].IsAggregate)
            {
                facts[reply[i].AsString()] = reply[i + 1].AsStringOrNull() ?? "";
            }
        }

        return facts.TryGetValue("garnet_version", out var garnet)
            ? new RedisServerInfo("garnet", garnet, 3)
            : new RedisServerInfo(facts.GetValueOrDefault("server", "redis"), facts.GetValueOrDefault("version", ""), 3);
    }

    private static RedisServerInfo FromInfo(string text)
    {
        var redis = "";
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith("garnet_version:", StringComparison.Ordinal) || line.StartsWith("valkey_version:", StringComparison.Ordinal))
            {
                return new RedisServerInfo(line[..6].ToString(), line["garnet_version:".Length..].ToString(), 2);
            }

            if (line.StartsWith("redis_version:", StringComparison.Ordinal))
            {
                redis = line["redis_version:".Length..].ToString();
            }
        }

        return new RedisServerInfo("redis", redis, 2);
    }

    private static void Require(Answer answer)
    {
        if (answer.Error is { } error)
        {
            throw error;
        }
    }

    private static async ValueTask<Answer> AskAsync(
        RedisLink link, RedisOptions options, CancellationToken cancellationToken, params string[] words)
    {
        var arguments = new ArgumentBuffer();
        foreach (var word in words)
        {
            arguments.Add(word.AsSpan());
        }

        var output = new ArrayBufferWriter<byte>();
        RespWriter.Command(output, arguments);
        arguments.Release();
        await link.WriteAsync(output.WrittenMemory, cancellationToken).ConfigureAwait(false);
        var reply = await link.ReceiveAsync(cancellationToken).ConfigureAwait(false);
        return reply.IsError ? new Answer(reply, Error(reply, options)) : new Answer(reply, null);
    }

    /// <summary>Servers before 6 repeat the arguments of a command that they do not know, the password of HELLO among them.</summary>
    private static RedisServerException Error(RedisReply reply, RedisOptions options)
    {
        var text = reply.AsString();
        var code = RedisErrorCode.Of(text, fromScript: false);
        return new RedisServerException(code, string.IsNullOrEmpty(options.Password)
            ? text
            : text.Replace(options.Password, "***", StringComparison.Ordinal));
    }

    private readonly record struct Answer(RedisReply Reply, RedisServerException? Error);
}
