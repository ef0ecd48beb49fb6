using System.Text;

namespace Gristmill.Silo.Configuration;

/// <summary>
/// The slot of a key on a Redis Cluster: CRC16 (XMODEM) of what stands between the first '{' and the next '}', or of the
/// whole key, modulo 16,384 (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
/// </summary>
internal static class ClusterSlot
{
    private const int Slots = 16_384;
    private const int Polynomial = 0x1021;

    public static int Of(string key)
    {
        var open = key.IndexOf('{', StringComparison.Ordinal);
        var close = open < 0 ? -1 : key.IndexOf('}', open + 1);
        var hashed = close > open + 1 ? key[(open + 1)..close] : key;
        return Crc16(Encoding.UTF8.GetBytes(hashed)) % Slots;
    }

    private static int Crc16(ReadOnlySpan<byte> bytes)
    {
        var crc = 0;
        foreach (var b in bytes)
        {
            crc ^= b << 8;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 0x8000) != 0 ? (crc << 1) ^ Polynomial : crc << 1;
            }

            crc &= 0xFFFF;
        }

        return crc;
    }
}
