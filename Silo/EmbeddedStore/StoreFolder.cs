using System.Globalization;

namespace Gristmill.Silo.EmbeddedStore;

/// <summary>
/// The folder of the embedded store (./.gristmill): its data, its log, the lock that says which silo owns it, and the
/// address under which silos and commands of the same folder find it.
/// </summary>
internal sealed class StoreFolder
{
    private const long RotateAtBytes = 10L << 20;

    /// <param name="path">As configured; made absolute, so that a later change of the working directory does no harm.</param>
    public StoreFolder(string path) => FullPath = Path.GetFullPath(path);

    public string FullPath { get; }

    public string Data => Path.Combine(FullPath, "data");

    public string LogFile => Path.Combine(FullPath, "garnet.log");

    /// <summary>Held by the server process itself, so that no second one opens the data before the first is gone.</summary>
    public string DataLock => Path.Combine(FullPath, "data.lock");

    private string OwnerLock => Path.Combine(FullPath, "silo.lock");

    private string EndpointFile => Path.Combine(FullPath, "endpoint");

    private string PortFile => Path.Combine(FullPath, "port");

    public void Create() => Directory.CreateDirectory(Data);

    /// <summary>Becomes the owner; null when another process is. The kernel frees the lock when its holder ends, however.</summary>
    public FileStream? TryOwn()
    {
        try
        {
            return new FileStream(OwnerLock, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
    }

    /// <summary>Where a store of this folder serves, as a redis:// URL; null when none is said to run.</summary>
    public string? ReadEndpoint()
    {
        try
        {
            return File.ReadAllText(EndpointFile).Trim() is { Length: > 0 } url ? url : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Says where the store serves. Readers see the old or the new content, never a half.</summary>
    public void WriteEndpoint(string url, int port)
    {
        Replace(EndpointFile, url + "\n");
        Replace(PortFile, port.ToString(CultureInfo.InvariantCulture) + "\n");
    }

    public void DeleteEndpoint() => File.Delete(EndpointFile);

    /// <summary>The port of the last run, so that clients that wait for it find it again; 0 when there was none.</summary>
    public int LastPort()
    {
        try
        {
            return int.TryParse(File.ReadAllText(PortFile), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var port) &&
                port is > 0 and <= 65_535 ? port : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Keeps one older log beside a new one when the log has grown past its bound.</summary>
    public void RotateLog()
    {
        if (new FileInfo(LogFile) is { Exists: true, Length: > RotateAtBytes })
        {
            File.Move(LogFile, LogFile + ".1", overwrite: true);
        }
    }

    /// <summary>The last lines of the log, without the colours and the banner's blank lines, to explain a failure.</summary>
    /// <param name="from">The length of the log when the run began: what stands before is of other runs.</param>
    public string LogTail(long from)
    {
        const int tailBytes = 4096;
        try
        {
            using var file = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            file.Seek(Math.Max(Math.Min(from, file.Length), file.Length - tailBytes), SeekOrigin.Begin);
            using var reader = new StreamReader(file);
            return StoreLogText.Readable(reader.ReadToEnd());
        }
        catch (IOException)
        {
            return "";
        }
    }

    public long LogLength() => new FileInfo(LogFile) is { Exists: true } file ? file.Length : 0;

    private static void Replace(string path, string content)
    {
        File.WriteAllText(path + ".new", content);
        File.Move(path + ".new", path, overwrite: true);
    }
}
