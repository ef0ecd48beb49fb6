using System.Buffers;

namespace Gristmill.Redis.Tests;

/// <summary>Who writes to the shared connection, and when a caller does: the rules, without a connection.</summary>
public sealed class WriteTurnTests
{
    private readonly CommandQueue _queue = new(new RedisOptions(), TimeProvider.System, static () => new RedisUnavailableException("away"));
    private readonly List<PendingCommand> _batch = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Caller_writes_when_nobody_does()
    {
        Idle();

        Assert.True(Enqueue("a"));
        Assert.True(_queue.TakeBatch(_batch));
        Assert.Equal(["a"], _batch.Select(c => c.Name));
    }

    [Fact]
    public void Caller_does_not_write_before_the_writer_has_begun()
    {
        Assert.False(Enqueue("before the link"));
        _queue.LinkUp();
        Assert.False(Enqueue("before its first write"));
    }

    [Fact]
    public async Task Second_caller_leaves_its_command_to_the_writer()
    {
        Idle();
        var work = _queue.WaitForWorkAsync(Cancellation);
        Enqueue("first");
        WriteBatch();

        Assert.False(Enqueue("second"));
        Assert.False(work.IsCompleted);
        _queue.CallerWrote(all: true);

        await work;
        Assert.False(Enqueue("third"));
        Assert.True(_queue.TakeBatch(_batch));
        Assert.Equal(["second", "third"], _batch.Select(c => c.Name));
    }

    [Fact]
    public async Task Writer_goes_on_with_what_the_socket_did_not_take()
    {
        Idle();
        var work = _queue.WaitForWorkAsync(Cancellation);
        Enqueue("large");
        WriteBatch();

        _queue.CallerWrote(all: false);

        await work;
        Assert.False(Enqueue("next"));
    }

    [Fact]
    public void Caller_leaves_the_writing_to_the_writer_while_many_are_in_flight()
    {
        Idle();
        var own = 0;
        while (own < 100 && Enqueue("few"))
        {
            own++;
            WriteBatch();
            _queue.CallerWrote(all: true);
        }

        Assert.InRange(own, 1, 16);
        Assert.True(_queue.TakeBatch(_batch));
        _queue.Render(_batch, new ArrayBufferWriter<byte>());
        Assert.False(_queue.TakeBatch(_batch));
        for (var i = 0; i <= own; i++)
        {
            _queue.Answer(default);
        }

        Assert.True(Enqueue("few again"));
    }

    [Fact]
    public async Task Link_that_goes_waits_for_the_caller_that_writes_and_lets_no_other_in()
    {
        Idle();
        Enqueue("writing");
        WriteBatch();

        var gone = _queue.CallersGoneAsync();
        Assert.False(gone.IsCompleted);
        _queue.CallerWrote(all: true);
        await gone;

        Assert.False(Enqueue("late"));
        Assert.True(_queue.CallersGoneAsync().IsCompleted);
    }

    [Fact]
    public async Task Turn_that_a_caller_passed_on_as_its_link_went_does_not_wake_the_next_links_writer()
    {
        Idle();
        Enqueue("writing");
        WriteBatch();
        var gone = _queue.CallersGoneAsync();
        _queue.CallerWrote(all: false);
        await gone;
        _queue.LinkDown(static () => new RedisConnectionLostException("cut", new IOException()));

        Idle();

        Assert.False(_queue.WaitForWorkAsync(Cancellation).IsCompleted);
        Assert.True(Enqueue("next"));
    }

    /// <summary>A link is up and its writer has found nothing to do.</summary>
    private void Idle()
    {
        _queue.LinkUp();
        Assert.False(_queue.TakeBatch(_batch));
    }

    private void WriteBatch()
    {
        Assert.True(_queue.TakeBatch(_batch));
        _queue.Render(_batch, new ArrayBufferWriter<byte>());
    }

    /// <summary>Whether it is the caller's turn to write.</summary>
    private bool Enqueue(string name)
    {
        var arguments = new ArgumentBuffer();
        arguments.Add(name);
        Assert.Null(_queue.Enqueue(new PendingCommand(name, arguments, null, 0, long.MaxValue), out var yours));
        return yours;
    }
}
