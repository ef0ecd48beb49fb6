namespace Gristmill.Testing;

/// <summary>A real server as a child process on a loopback port of its own, in a folder of its own. Dies with the tests.</summary>
public interface IRedisServer : IAsyncDisposable
{
    StoreKind Kind { get; }

    string Host { get; }

    int Port { get; }

    /// <summary>With the password, if there is one.</summary>
    string Url { get; }

    /// <summary>The folder with its data.</summary>
    string Folder { get; }

    /// <summary>Of the process that runs now.</summary>
    int ProcessId { get; }

    bool IsRunning { get; }

    /// <summary>Ends it in an orderly way, so that what it keeps is kept.</summary>
    Task StopAsync();

    /// <summary>SIGKILL.</summary>
    Task KillAsync();

    /// <summary>SIGSTOP: connections stay open and nothing is answered.</summary>
    void Freeze();

    /// <summary>SIGCONT.</summary>
    void Thaw();

    /// <summary>Starts it again after <see cref="StopAsync"/> or <see cref="KillAsync"/>, on the same port and folder.</summary>
    /// <param name="waitUntilReady">False to return as soon as the process runs.</param>
    Task StartAgainAsync(bool waitUntilReady = true);
}
