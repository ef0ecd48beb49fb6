using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.FaultHandlers;

/// <summary>
/// The ledger of this process: a file of its own in the folder that GRISTMILL_TEST_LEDGER names, one write a line, so that
/// what was written stands there however the process ends.
/// </summary>
internal sealed class LedgerFile
{
    private readonly Lock _gate = new();
    private readonly SafeFileHandle _file;
    private long _length;

    private LedgerFile()
    {
        var folder = Environment.GetEnvironmentVariable("GRISTMILL_TEST_LEDGER") ?? throw new InvalidOperationException("GRISTMILL_TEST_LEDGER is not set.");
        var name = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        _file = File.OpenHandle(Path.Combine(folder, name), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        _length = RandomAccess.GetLength(_file);
    }

    public static LedgerFile OfThisProcess { get; } = new();

    public void Write(LedgerLine line)
    {
        var bytes = Encoding.UTF8.GetBytes($"{line}\n");
        lock (_gate)
        {
            RandomAccess.Write(_file, bytes, _length);
            _length += bytes.Length;
        }
    }
}
