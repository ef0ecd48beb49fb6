using System.Text;
using Gristmill.Grains.Handlers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Tests.Handlers;

public sealed class HandlerRunnerTests
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Handler_with_a_record_payload_gets_it_and_its_result_is_camelCase()
    {
        await using var runner = await StartAsync<EchoHandler>();
        var result = await runner.RunAsync("""{"sessionId":"s1","number":"7"}""", TestEnd);
        Assert.Equal("""{"sessionId":"s1","number":8,"text":null}""", Attempts.ResultOf(result));
    }

    [Fact]
    public async Task Text_of_a_result_is_written_as_it_is()
    {
        await using var runner = await StartAsync<NodeHandler>();
        Assert.Equal("\"it's <b> + ü\"", Attempts.ResultOf(await runner.RunAsync("""{"name":"it's <b> + ü"}""", TestEnd)));
    }

    [Theory]
    [InlineData(typeof(AttributedHandler), """{"n":3}""", "3")]
    [InlineData(typeof(NodeHandler), """{"name":"x"}""", "\"x\"")]
    [InlineData(typeof(NodeHandler), "null", "")]
    [InlineData(typeof(TextHandler), "not json: é", "11")]
    [InlineData(typeof(BytesHandler), "ab", "195")]
    [InlineData(typeof(MemoryHandler), "\u0001", "true")]
    internal async Task Handler_with_another_payload_type_gets_it_as_that(Type handler, string payload, string expected)
    {
        await using var runner = await StartAsync(handler);
        Assert.Equal(expected, Attempts.ResultOf(await runner.RunAsync(payload, TestEnd)));
    }

    [Theory]
    [InlineData("""{"sessionId":"s1","number":{}}""", "$.number")]
    [InlineData("""{"sessionId":["s1"]}""", "$.sessionId")]
    [InlineData("""{"sessionId":""", "$")]
    [InlineData("null", "$")]
    [InlineData("", "$")]
    public async Task Payload_that_does_not_fit_is_fatal_and_names_the_path(string payload, string path)
    {
        await using var runner = await StartAsync<EchoHandler>();
        var error = Attempts.ErrorOf(await runner.RunAsync(payload, TestEnd));
        Assert.Equal((AttemptErrorKind.Fatal, "InvalidPayload"), (error.Kind, error.Type));
        Assert.Contains($"Path: {path}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"file_name":"a","part_count":2,"uploaded_by":{"user_id":"u"},"shared_with":[{"user_id":"v"}],"part_sizes":{"first_part":1},"file_type":"t"}""", "a 2 u v first_part t")]
    [InlineData("""{"fileName":"a","PartCount":"2","uploadedBy":{"USER_ID":"u"},"shared_with":[{"userId":"v"}],"job_id":{"file_name":"other"},"file_type":"t"}""", "a 2 u v  t")]
    [InlineData("""{"file_n\u0061me":"a_b","part_count":2}""", "a_b 2    ")]
    public async Task Names_of_members_may_be_in_snake_case(string payload, string expected)
    {
        await using var runner = await StartAsync<UploadHandler>();
        Assert.Equal($"\"{expected}\"", Attempts.ResultOf(await runner.RunAsync(payload, TestEnd)));
    }

    [Theory]
    [InlineData("""{"part_count":2}""", "fileName")]
    [InlineData("""{"file_name":"a"}""", "partCount")]
    [InlineData("""{"file_name":null,"part_count":2}""", "FileName")]
    [InlineData("""{"file_name":"a","part_count":2,"uploaded_by":{}}""", "userId")]
    public async Task Member_that_is_missing_is_fatal_and_named(string payload, string member)
    {
        await using var runner = await StartAsync<UploadHandler>();
        var error = Attempts.ErrorOf(await runner.RunAsync(payload, TestEnd));
        Assert.Equal((AttemptErrorKind.Fatal, "InvalidPayload"), (error.Kind, error.Type));
        Assert.Contains(member, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_that_is_not_utf8_is_fatal()
    {
        await using var runner = await StartAsync<TextHandler>();
        var result = await runner.RunAsync(Attempts.Of([0xff, 0xfe]), new ProgressLog(), TestEnd);
        Assert.Equal(AttemptErrorKind.Fatal, Attempts.ErrorOf(result).Kind);
    }

    [Theory]
    [InlineData("retry", nameof(AttemptErrorKind.Retry), "not now")]
    [InlineData("fatal", nameof(AttemptErrorKind.Fatal), "never")]
    [InlineData("oom", nameof(AttemptErrorKind.OutOfMemory), "too big")]
    [InlineData("clr-oom", nameof(AttemptErrorKind.OutOfMemory), null)]
    [InlineData("cuda-oom", nameof(AttemptErrorKind.OutOfMemory), "outer")]
    [InlineData("throw", nameof(AttemptErrorKind.Retry), "broken")]
    [InlineData("own-cancel", nameof(AttemptErrorKind.Retry), "an HTTP timeout")]
    public async Task Handler_that_throws_fails_with_the_kind(string order, string kind, string? message)
    {
        await using var runner = await StartAsync<ObedientHandler>();
        foreach (var later in new[] { "false", "true" })
        {
            var error = Attempts.ErrorOf(await runner.RunAsync($$"""{"do":"{{order}}","later":{{later}}}""", TestEnd));
            Assert.Equal(kind, error.Kind.ToString());
            Assert.Equal(message ?? error.Message, error.Message);
            Assert.Contains(nameof(ObedientHandler), error.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Handler_that_throws_a_huge_message_fails_with_bounded_texts()
    {
        await using var runner = await StartAsync<ObedientHandler>();
        var error = Attempts.ErrorOf(await runner.RunAsync("""{"do":"huge-message"}""", TestEnd));
        Assert.Equal(AttemptError.MaxMessageChars, error.Message.Length);
        Assert.Equal(AttemptError.MaxDetailChars, error.Detail!.Length);
    }

    [Fact]
    public async Task Handler_that_returns_no_task_fails()
    {
        await using var runner = await StartAsync<ObedientHandler>();
        Assert.Equal(AttemptErrorKind.Retry, Attempts.ErrorOf(await runner.RunAsync("""{"do":"null-task"}""", TestEnd)).Kind);
    }

    [Fact]
    public async Task Handler_whose_token_is_cancelled_ends_as_cancelled()
    {
        await using var runner = await StartAsync<ObedientHandler>();
        using var cancel = new CancellationTokenSource();
        var running = runner.RunAsync("""{"do":"wait"}""", cancel.Token);
        Assert.False(running.IsCompleted);
        await cancel.CancelAsync();
        Assert.IsType<AttemptResult.Cancelled>(await running);
        Assert.IsType<AttemptResult.Cancelled>(await runner.RunAsync("""{"do":"nothing"}""", cancel.Token));
    }

    [Fact]
    public async Task Handler_without_result_completes_empty()
    {
        await using var runner = await StartAsync<ObedientHandler>();
        Assert.Equal("", Attempts.ResultOf(await runner.RunAsync("""{"do":"nothing"}""", TestEnd)));
    }

    [Fact]
    public async Task Result_at_the_bound_completes_and_past_it_is_fatal()
    {
        await using var runner = await StartAsync<LongResultHandler>(options => options.MaxResultBytes = 2048);
        Assert.Equal(2048, Attempts.ResultOf(await runner.RunAsync("2046", TestEnd)).Length);
        foreach (var size in new[] { "2047", "5000000" })
        {
            var error = Attempts.ErrorOf(await runner.RunAsync(size, TestEnd));
            Assert.Equal((AttemptErrorKind.Fatal, "ResultTooLarge"), (error.Kind, error.Type));
            Assert.Contains("2048", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal("\"xx\"", Attempts.ResultOf(await runner.RunAsync("2", TestEnd)));
    }

    [Fact]
    public async Task Progress_reaches_the_sink()
    {
        await using var runner = await StartAsync<ObedientHandler>();
        var progress = new ProgressLog();
        await runner.RunAsync(Attempts.Of("""{"do":"progress"}"""), progress, TestEnd);
        Assert.Equal([(1, 2, "half")], progress.Reports);
    }

    [Fact]
    public async Task Log_line_of_a_handler_carries_the_job()
    {
        var logs = new ScopeLog();
        await using var runner = await StartAsync(typeof(ObedientHandler), logs: logs);
        Assert.Equal("\"asr/job-1\"", Attempts.ResultOf(await runner.RunAsync("""{"do":"log"}""", TestEnd)));
        Assert.Equal(
            "from the handler [Queue=asr JobId=job-1 SessionId=s1 Attempt=2 TraceId=4bf92f3577b34da6a3ce929d0e0e4736]",
            Assert.Single(logs.Lines));
    }

    [Fact]
    public async Task Scoped_handler_gets_a_scope_per_job()
    {
        var services = new ServiceCollection().AddLogging().AddSingleton<ScopedThing.Count>().AddScoped<ScopedThing>();
        services.AddJobHandler<ScopedHandler>("scoped", ServiceLifetime.Scoped);
        await using var provider = services.BuildServiceProvider();
        var count = provider.GetRequiredService<ScopedThing.Count>();
        await using var runner = provider.GetRequiredService<HandlerRegistry>().CreateRunner("scoped");
        await runner.StartAsync(TestEnd);
        var before = count.Created;
        Assert.Equal($"{before + 1}", Attempts.ResultOf(await runner.RunAsync("{}", TestEnd)));
        Assert.Equal($"{before + 2}", Attempts.ResultOf(await runner.RunAsync("{}", TestEnd)));
        Assert.Equal(count.Created, count.Disposed);
    }

    [Fact]
    public async Task Handler_that_cannot_be_created_is_refused_at_start()
    {
        var error = await Assert.ThrowsAsync<RunnerStartException>(() => StartAsync<NeedsTheUnknownHandler>());
        Assert.Contains(nameof(NeedsTheUnknownHandler), error.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(ScopedThing), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_cut_at_a_bound_keeps_surrogate_pairs_whole()
    {
        Assert.Equal("ab…", BoundedText.Head("ab😀cd", 4));
        Assert.Equal("…cd", BoundedText.Tail("ab😀cd", 4));
        Assert.Equal("abcd", BoundedText.Head("abcd", 4));
        Assert.Equal("abcd", BoundedText.Tail("abcd", 4));
    }

    private static Task<IJobRunner> StartAsync<THandler>(Action<HandlerOptions>? configure = null) =>
        StartAsync(typeof(THandler), configure);

    private static async Task<IJobRunner> StartAsync(
        Type handler, Action<HandlerOptions>? configure = null, ILoggerProvider? logs = null)
    {
        var services = new ServiceCollection().AddLogging(logging => logging.AddProvider(logs ?? new ScopeLog()));
        services.Configure(configure ?? (_ => { })).AddJobHandlerRegistry();
        services.AddSingleton(HandlerRegistration.Create("it", handler, ServiceLifetime.Singleton));
        var runner = services.BuildServiceProvider().GetRequiredService<HandlerRegistry>().CreateRunner("it");
        await runner.StartAsync(TestEnd);
        return runner;
    }
}

/// <summary>Keeps log lines with their scopes.</summary>
internal sealed class ScopeLog : ILoggerProvider, ISupportExternalScope
{
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    public List<string> Lines { get; } = [];

    public ILogger CreateLogger(string categoryName) => new ScopeLogger(this);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private sealed class ScopeLogger(ScopeLog owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => owner._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = new StringBuilder(formatter(state, exception));
            owner._scopes.ForEachScope(static (scope, text) => text.Append(" [").AppendJoin(
                ' ', ((IEnumerable<KeyValuePair<string, object?>>)scope!).Select(field => $"{field.Key}={field.Value}")).Append(']'), line);
            lock (owner.Lines)
            {
                owner.Lines.Add(line.ToString());
            }
        }
    }
}
