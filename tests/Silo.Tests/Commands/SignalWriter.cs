namespace Gristmill.Silo.Tests.Commands;

/// <summary>Output that can be waited for.</summary>
internal sealed class SignalWriter : StringWriter
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly Lock _gate = new();
    private TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void WriteLine(string? value)
    {
        lock (_gate)
        {
            base.WriteLine(value);
            _written.TrySetResult();
            _written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public async Task WaitForAsync(string text)
    {
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (ToString().Contains(text, StringComparison.Ordinal)) return;
                next = _written.Task;
            }

            await next.WaitAsync(Limit, TestContext.Current.CancellationToken);
        }
    }
}
